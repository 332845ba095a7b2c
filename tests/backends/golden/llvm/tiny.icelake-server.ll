; ModuleID = "bnnc"
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"

define internal void @"fused.1"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="icelake-server" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".17" = getelementptr i64, ptr %".1", i64 2
  %".18" = load ptr, ptr %".17", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".10" = phi  i64 [%".2", %"body"], [%".54", %"done.1"]
  %".11" = icmp slt i64 %".10", %".3"
  br i1 %".11", label %"do", label %"done"
do:
  br label %"loop.1"
done:
  ret void
loop.1:
  %".14" = phi  i64 [0, %"do"], [%".33", %"do.1"]
  %".15" = icmp slt i64 %".14", 64
  br i1 %".15", label %"do.1", label %"done.1"
do.1:
  %".19" = mul nsw i64 %".10", 280
  %".20" = mul nsw i64 %".14", 4
  %".21" = add nsw i64 %".19", %".20"
  %".22" = getelementptr i8, ptr %".18", i64 %".21"
  %".23" = load <32 x float>, ptr %".22", align 4
  %".24" = fcmp oge <32 x float> %".23", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".25" = bitcast <32 x i1> %".24" to i32
  %".26" = udiv i64 %".14", 8
  %".27" = mul i64 %".26", 8
  %".28" = sub i64 %".14", %".27"
  %".29" = mul nsw i64 %".10", 16
  %".30" = getelementptr i8, ptr %".8", i64 %".29"
  %".31" = getelementptr i8, ptr %".30", i64 %".26"
  store i32 %".25", ptr %".31", align 4
  %".33" = add nsw i64 %".14", 32
  br label %"loop.1"
done.1:
  %".35" = mul nsw i64 %".10", 280
  %".36" = add nsw i64 %".35", 256
  %".37" = getelementptr i8, ptr %".18", i64 %".36"
  %".38" = load <4 x float>, ptr %".37", align 4
  %".39" = shufflevector <4 x float> %".38", <4 x float> <float 0.0, float 0.0, float 0.0, float 0.0>, <32 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4, i32 4>
  %".40" = getelementptr i8, ptr %".37", i64 16
  %".41" = load <2 x float>, ptr %".40", align 4
  %".42" = shufflevector <2 x float> %".41", <2 x float> <float 0.0, float 0.0>, <32 x i32> <i32 0, i32 1, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %".43" = shufflevector <32 x float> %".39", <32 x float> %".42", <32 x i32> <i32 0, i32 1, i32 2, i32 3, i32 32, i32 33, i32 6, i32 7, i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15, i32 16, i32 17, i32 18, i32 19, i32 20, i32 21, i32 22, i32 23, i32 24, i32 25, i32 26, i32 27, i32 28, i32 29, i32 30, i32 31>
  %".44" = fcmp oge <32 x float> %".43", <float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0, float              0x0>
  %".45" = bitcast <32 x i1> %".44" to i32
  %".46" = and i32 %".45", 63
  %".47" = mul nsw i64 %".10", 16
  %".48" = getelementptr i8, ptr %".8", i64 %".47"
  %".49" = getelementptr i8, ptr %".48", i64 8
  %".50" = lshr i32 %".46", 0
  store i32 %".50", ptr %".49", align 4
  %".52" = getelementptr i8, ptr %".49", i64 4
  store i32 0, ptr %".52", align 4
  %".54" = add nsw i64 %".10", 1
  br label %"loop"
}

define internal void @"fused.2"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="icelake-server" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".9" = getelementptr i64, ptr %".1", i64 2
  %".10" = load ptr, ptr %".9", align 8, !invariant.load !0
  %".11" = getelementptr i64, ptr %".1", i64 3
  %".12" = load ptr, ptr %".11", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".14" = phi  i64 [%".2", %"body"], [%".373", %"done.3"]
  %".15" = icmp slt i64 %".14", %".3"
  br i1 %".15", label %"do", label %"done"
do:
  %".17" = add nsw i64 %".14", 64
  %".18" = icmp slt i64 %".17", %".3"
  %".19" = select  i1 %".18", i64 %".17", i64 %".3"
  %".20" = sub nsw i64 %".19", %".14"
  %".21" = udiv i64 %".20", 7
  %".22" = mul i64 %".21", 7
  %".23" = sub i64 %".20", %".22"
  %".24" = mul nsw i64 %".21", 7
  %".25" = add nsw i64 %".14", %".24"
  br label %"loop.1"
done:
  ret void
loop.1:
  %".27" = phi  i64 [%".14", %"do"], [%".231", %"do.1"]
  %".28" = icmp slt i64 %".27", %".25"
  br i1 %".28", label %"do.1", label %"done.1"
do.1:
  %".30" = mul nsw i64 %".27", 16
  %".31" = getelementptr i8, ptr %".8", i64 %".30"
  %".32" = load i32, ptr %".31", align 4
  %".33" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".32", i32 0
  %".34" = shufflevector <16 x i32> %".33", <16 x i32> %".33", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".35" = getelementptr i8, ptr %".31", i64 4
  %".36" = load i32, ptr %".35", align 4
  %".37" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".36", i32 0
  %".38" = shufflevector <16 x i32> %".37", <16 x i32> %".37", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".39" = getelementptr i8, ptr %".31", i64 16
  %".40" = load i32, ptr %".39", align 4
  %".41" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".40", i32 0
  %".42" = shufflevector <16 x i32> %".41", <16 x i32> %".41", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".43" = getelementptr i8, ptr %".39", i64 4
  %".44" = load i32, ptr %".43", align 4
  %".45" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".44", i32 0
  %".46" = shufflevector <16 x i32> %".45", <16 x i32> %".45", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".47" = getelementptr i8, ptr %".31", i64 32
  %".48" = load i32, ptr %".47", align 4
  %".49" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".48", i32 0
  %".50" = shufflevector <16 x i32> %".49", <16 x i32> %".49", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".51" = getelementptr i8, ptr %".47", i64 4
  %".52" = load i32, ptr %".51", align 4
  %".53" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".52", i32 0
  %".54" = shufflevector <16 x i32> %".53", <16 x i32> %".53", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".55" = getelementptr i8, ptr %".31", i64 48
  %".56" = load i32, ptr %".55", align 4
  %".57" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".56", i32 0
  %".58" = shufflevector <16 x i32> %".57", <16 x i32> %".57", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".59" = getelementptr i8, ptr %".55", i64 4
  %".60" = load i32, ptr %".59", align 4
  %".61" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".60", i32 0
  %".62" = shufflevector <16 x i32> %".61", <16 x i32> %".61", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".63" = getelementptr i8, ptr %".31", i64 64
  %".64" = load i32, ptr %".63", align 4
  %".65" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".64", i32 0
  %".66" = shufflevector <16 x i32> %".65", <16 x i32> %".65", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".67" = getelementptr i8, ptr %".63", i64 4
  %".68" = load i32, ptr %".67", align 4
  %".69" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".68", i32 0
  %".70" = shufflevector <16 x i32> %".69", <16 x i32> %".69", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".71" = getelementptr i8, ptr %".31", i64 80
  %".72" = load i32, ptr %".71", align 4
  %".73" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".72", i32 0
  %".74" = shufflevector <16 x i32> %".73", <16 x i32> %".73", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".75" = getelementptr i8, ptr %".71", i64 4
  %".76" = load i32, ptr %".75", align 4
  %".77" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".76", i32 0
  %".78" = shufflevector <16 x i32> %".77", <16 x i32> %".77", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".79" = getelementptr i8, ptr %".31", i64 96
  %".80" = load i32, ptr %".79", align 4
  %".81" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".80", i32 0
  %".82" = shufflevector <16 x i32> %".81", <16 x i32> %".81", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".83" = getelementptr i8, ptr %".79", i64 4
  %".84" = load i32, ptr %".83", align 4
  %".85" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".84", i32 0
  %".86" = shufflevector <16 x i32> %".85", <16 x i32> %".85", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".87" = load <16 x i32>, ptr %".10", align 4
  %".88" = getelementptr i8, ptr %".10", i64 64
  %".89" = load <16 x i32>, ptr %".88", align 4
  %".90" = xor <16 x i32> %".34", %".87"
  %".91" = xor <16 x i32> %".38", %".89"
  %".92" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".90")
  %".93" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".92"
  %".94" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".91")
  %".95" = add <16 x i32> %".93", %".94"
  %".96" = xor <16 x i32> %".42", %".87"
  %".97" = xor <16 x i32> %".46", %".89"
  %".98" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".96")
  %".99" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".98"
  %".100" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".97")
  %".101" = add <16 x i32> %".99", %".100"
  %".102" = xor <16 x i32> %".50", %".87"
  %".103" = xor <16 x i32> %".54", %".89"
  %".104" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".102")
  %".105" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".104"
  %".106" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".103")
  %".107" = add <16 x i32> %".105", %".106"
  %".108" = xor <16 x i32> %".58", %".87"
  %".109" = xor <16 x i32> %".62", %".89"
  %".110" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".108")
  %".111" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".110"
  %".112" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".109")
  %".113" = add <16 x i32> %".111", %".112"
  %".114" = xor <16 x i32> %".66", %".87"
  %".115" = xor <16 x i32> %".70", %".89"
  %".116" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".114")
  %".117" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".116"
  %".118" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".115")
  %".119" = add <16 x i32> %".117", %".118"
  %".120" = xor <16 x i32> %".74", %".87"
  %".121" = xor <16 x i32> %".78", %".89"
  %".122" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".120")
  %".123" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".122"
  %".124" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".121")
  %".125" = add <16 x i32> %".123", %".124"
  %".126" = xor <16 x i32> %".82", %".87"
  %".127" = xor <16 x i32> %".86", %".89"
  %".128" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".126")
  %".129" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".128"
  %".130" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".127")
  %".131" = add <16 x i32> %".129", %".130"
  %".132" = getelementptr i8, ptr %".31", i64 8
  %".133" = getelementptr i8, ptr %".10", i64 128
  %".134" = load i32, ptr %".132", align 4
  %".135" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".134", i32 0
  %".136" = shufflevector <16 x i32> %".135", <16 x i32> %".135", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".137" = getelementptr i8, ptr %".132", i64 16
  %".138" = load i32, ptr %".137", align 4
  %".139" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".138", i32 0
  %".140" = shufflevector <16 x i32> %".139", <16 x i32> %".139", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".141" = getelementptr i8, ptr %".132", i64 32
  %".142" = load i32, ptr %".141", align 4
  %".143" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".142", i32 0
  %".144" = shufflevector <16 x i32> %".143", <16 x i32> %".143", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".145" = getelementptr i8, ptr %".132", i64 48
  %".146" = load i32, ptr %".145", align 4
  %".147" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".146", i32 0
  %".148" = shufflevector <16 x i32> %".147", <16 x i32> %".147", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".149" = getelementptr i8, ptr %".132", i64 64
  %".150" = load i32, ptr %".149", align 4
  %".151" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".150", i32 0
  %".152" = shufflevector <16 x i32> %".151", <16 x i32> %".151", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".153" = getelementptr i8, ptr %".132", i64 80
  %".154" = load i32, ptr %".153", align 4
  %".155" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".154", i32 0
  %".156" = shufflevector <16 x i32> %".155", <16 x i32> %".155", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".157" = getelementptr i8, ptr %".132", i64 96
  %".158" = load i32, ptr %".157", align 4
  %".159" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".158", i32 0
  %".160" = shufflevector <16 x i32> %".159", <16 x i32> %".159", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".161" = load <16 x i32>, ptr %".133", align 4
  %".162" = xor <16 x i32> %".136", %".161"
  %".163" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".162")
  %".164" = add <16 x i32> %".95", %".163"
  %".165" = xor <16 x i32> %".140", %".161"
  %".166" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".165")
  %".167" = add <16 x i32> %".101", %".166"
  %".168" = xor <16 x i32> %".144", %".161"
  %".169" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".168")
  %".170" = add <16 x i32> %".107", %".169"
  %".171" = xor <16 x i32> %".148", %".161"
  %".172" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".171")
  %".173" = add <16 x i32> %".113", %".172"
  %".174" = xor <16 x i32> %".152", %".161"
  %".175" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".174")
  %".176" = add <16 x i32> %".119", %".175"
  %".177" = xor <16 x i32> %".156", %".161"
  %".178" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".177")
  %".179" = add <16 x i32> %".125", %".178"
  %".180" = xor <16 x i32> %".160", %".161"
  %".181" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".180")
  %".182" = add <16 x i32> %".131", %".181"
  %".183" = add <16 x i32> %".164", %".164"
  %".184" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".183"
  %".185" = add <16 x i32> %".167", %".167"
  %".186" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".185"
  %".187" = add <16 x i32> %".170", %".170"
  %".188" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".187"
  %".189" = add <16 x i32> %".173", %".173"
  %".190" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".189"
  %".191" = add <16 x i32> %".176", %".176"
  %".192" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".191"
  %".193" = add <16 x i32> %".179", %".179"
  %".194" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".193"
  %".195" = add <16 x i32> %".182", %".182"
  %".196" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".195"
  %".197" = mul nsw i64 %".27", 32
  %".198" = getelementptr i8, ptr %".12", i64 %".197"
  %".199" = shufflevector <16 x i32> %".184", <16 x i32> %".184", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".199", ptr %".198", align 4
  %".201" = add nsw i64 %".27", 1
  %".202" = mul nsw i64 %".201", 32
  %".203" = getelementptr i8, ptr %".12", i64 %".202"
  %".204" = shufflevector <16 x i32> %".186", <16 x i32> %".186", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".204", ptr %".203", align 4
  %".206" = add nsw i64 %".27", 2
  %".207" = mul nsw i64 %".206", 32
  %".208" = getelementptr i8, ptr %".12", i64 %".207"
  %".209" = shufflevector <16 x i32> %".188", <16 x i32> %".188", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".209", ptr %".208", align 4
  %".211" = add nsw i64 %".27", 3
  %".212" = mul nsw i64 %".211", 32
  %".213" = getelementptr i8, ptr %".12", i64 %".212"
  %".214" = shufflevector <16 x i32> %".190", <16 x i32> %".190", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".214", ptr %".213", align 4
  %".216" = add nsw i64 %".27", 4
  %".217" = mul nsw i64 %".216", 32
  %".218" = getelementptr i8, ptr %".12", i64 %".217"
  %".219" = shufflevector <16 x i32> %".192", <16 x i32> %".192", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".219", ptr %".218", align 4
  %".221" = add nsw i64 %".27", 5
  %".222" = mul nsw i64 %".221", 32
  %".223" = getelementptr i8, ptr %".12", i64 %".222"
  %".224" = shufflevector <16 x i32> %".194", <16 x i32> %".194", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".224", ptr %".223", align 4
  %".226" = add nsw i64 %".27", 6
  %".227" = mul nsw i64 %".226", 32
  %".228" = getelementptr i8, ptr %".12", i64 %".227"
  %".229" = shufflevector <16 x i32> %".196", <16 x i32> %".196", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".229", ptr %".228", align 4
  %".231" = add nsw i64 %".27", 7
  br label %"loop.1"
done.1:
  %".233" = sub nsw i64 %".19", %".25"
  %".234" = udiv i64 %".233", 3
  %".235" = mul i64 %".234", 3
  %".236" = sub i64 %".233", %".235"
  %".237" = mul nsw i64 %".234", 3
  %".238" = add nsw i64 %".25", %".237"
  br label %"loop.2"
loop.2:
  %".240" = phi  i64 [%".25", %"done.1"], [%".332", %"do.2"]
  %".241" = icmp slt i64 %".240", %".238"
  br i1 %".241", label %"do.2", label %"done.2"
do.2:
  %".243" = mul nsw i64 %".240", 16
  %".244" = getelementptr i8, ptr %".8", i64 %".243"
  %".245" = load i32, ptr %".244", align 4
  %".246" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".245", i32 0
  %".247" = shufflevector <16 x i32> %".246", <16 x i32> %".246", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".248" = getelementptr i8, ptr %".244", i64 4
  %".249" = load i32, ptr %".248", align 4
  %".250" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".249", i32 0
  %".251" = shufflevector <16 x i32> %".250", <16 x i32> %".250", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".252" = getelementptr i8, ptr %".244", i64 16
  %".253" = load i32, ptr %".252", align 4
  %".254" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".253", i32 0
  %".255" = shufflevector <16 x i32> %".254", <16 x i32> %".254", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".256" = getelementptr i8, ptr %".252", i64 4
  %".257" = load i32, ptr %".256", align 4
  %".258" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".257", i32 0
  %".259" = shufflevector <16 x i32> %".258", <16 x i32> %".258", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".260" = getelementptr i8, ptr %".244", i64 32
  %".261" = load i32, ptr %".260", align 4
  %".262" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".261", i32 0
  %".263" = shufflevector <16 x i32> %".262", <16 x i32> %".262", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".264" = getelementptr i8, ptr %".260", i64 4
  %".265" = load i32, ptr %".264", align 4
  %".266" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".265", i32 0
  %".267" = shufflevector <16 x i32> %".266", <16 x i32> %".266", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".268" = load <16 x i32>, ptr %".10", align 4
  %".269" = getelementptr i8, ptr %".10", i64 64
  %".270" = load <16 x i32>, ptr %".269", align 4
  %".271" = xor <16 x i32> %".247", %".268"
  %".272" = xor <16 x i32> %".251", %".270"
  %".273" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".271")
  %".274" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".273"
  %".275" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".272")
  %".276" = add <16 x i32> %".274", %".275"
  %".277" = xor <16 x i32> %".255", %".268"
  %".278" = xor <16 x i32> %".259", %".270"
  %".279" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".277")
  %".280" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".279"
  %".281" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".278")
  %".282" = add <16 x i32> %".280", %".281"
  %".283" = xor <16 x i32> %".263", %".268"
  %".284" = xor <16 x i32> %".267", %".270"
  %".285" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".283")
  %".286" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".285"
  %".287" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".284")
  %".288" = add <16 x i32> %".286", %".287"
  %".289" = getelementptr i8, ptr %".244", i64 8
  %".290" = getelementptr i8, ptr %".10", i64 128
  %".291" = load i32, ptr %".289", align 4
  %".292" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".291", i32 0
  %".293" = shufflevector <16 x i32> %".292", <16 x i32> %".292", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".294" = getelementptr i8, ptr %".289", i64 16
  %".295" = load i32, ptr %".294", align 4
  %".296" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".295", i32 0
  %".297" = shufflevector <16 x i32> %".296", <16 x i32> %".296", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".298" = getelementptr i8, ptr %".289", i64 32
  %".299" = load i32, ptr %".298", align 4
  %".300" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".299", i32 0
  %".301" = shufflevector <16 x i32> %".300", <16 x i32> %".300", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".302" = load <16 x i32>, ptr %".290", align 4
  %".303" = xor <16 x i32> %".293", %".302"
  %".304" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".303")
  %".305" = add <16 x i32> %".276", %".304"
  %".306" = xor <16 x i32> %".297", %".302"
  %".307" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".306")
  %".308" = add <16 x i32> %".282", %".307"
  %".309" = xor <16 x i32> %".301", %".302"
  %".310" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".309")
  %".311" = add <16 x i32> %".288", %".310"
  %".312" = add <16 x i32> %".305", %".305"
  %".313" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".312"
  %".314" = add <16 x i32> %".308", %".308"
  %".315" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".314"
  %".316" = add <16 x i32> %".311", %".311"
  %".317" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".316"
  %".318" = mul nsw i64 %".240", 32
  %".319" = getelementptr i8, ptr %".12", i64 %".318"
  %".320" = shufflevector <16 x i32> %".313", <16 x i32> %".313", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".320", ptr %".319", align 4
  %".322" = add nsw i64 %".240", 1
  %".323" = mul nsw i64 %".322", 32
  %".324" = getelementptr i8, ptr %".12", i64 %".323"
  %".325" = shufflevector <16 x i32> %".315", <16 x i32> %".315", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".325", ptr %".324", align 4
  %".327" = add nsw i64 %".240", 2
  %".328" = mul nsw i64 %".327", 32
  %".329" = getelementptr i8, ptr %".12", i64 %".328"
  %".330" = shufflevector <16 x i32> %".317", <16 x i32> %".317", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".330", ptr %".329", align 4
  %".332" = add nsw i64 %".240", 3
  br label %"loop.2"
done.2:
  br label %"loop.3"
loop.3:
  %".335" = phi  i64 [%".238", %"done.2"], [%".371", %"do.3"]
  %".336" = icmp slt i64 %".335", %".19"
  br i1 %".336", label %"do.3", label %"done.3"
do.3:
  %".338" = mul nsw i64 %".335", 16
  %".339" = getelementptr i8, ptr %".8", i64 %".338"
  %".340" = load i32, ptr %".339", align 4
  %".341" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".340", i32 0
  %".342" = shufflevector <16 x i32> %".341", <16 x i32> %".341", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".343" = getelementptr i8, ptr %".339", i64 4
  %".344" = load i32, ptr %".343", align 4
  %".345" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".344", i32 0
  %".346" = shufflevector <16 x i32> %".345", <16 x i32> %".345", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".347" = load <16 x i32>, ptr %".10", align 4
  %".348" = getelementptr i8, ptr %".10", i64 64
  %".349" = load <16 x i32>, ptr %".348", align 4
  %".350" = xor <16 x i32> %".342", %".347"
  %".351" = xor <16 x i32> %".346", %".349"
  %".352" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".350")
  %".353" = add <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>, %".352"
  %".354" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".351")
  %".355" = add <16 x i32> %".353", %".354"
  %".356" = getelementptr i8, ptr %".339", i64 8
  %".357" = getelementptr i8, ptr %".10", i64 128
  %".358" = load i32, ptr %".356", align 4
  %".359" = insertelement <16 x i32> <i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef, i32 undef>, i32 %".358", i32 0
  %".360" = shufflevector <16 x i32> %".359", <16 x i32> %".359", <16 x i32> <i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0, i32 0>
  %".361" = load <16 x i32>, ptr %".357", align 4
  %".362" = xor <16 x i32> %".360", %".361"
  %".363" = call <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".362")
  %".364" = add <16 x i32> %".355", %".363"
  %".365" = add <16 x i32> %".364", %".364"
  %".366" = sub <16 x i32> <i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70, i32 70>, %".365"
  %".367" = mul nsw i64 %".335", 32
  %".368" = getelementptr i8, ptr %".12", i64 %".367"
  %".369" = shufflevector <16 x i32> %".366", <16 x i32> %".366", <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  store <8 x i32> %".369", ptr %".368", align 4
  %".371" = add nsw i64 %".335", 1
  br label %"loop.3"
done.3:
  %".373" = add nsw i64 %".14", 64
  br label %"loop"
}

declare <16 x i32> @"llvm.ctpop.v16i32"(<16 x i32> %".1")

@"__bnnc__constants" = internal externally_initialized constant [256 x i8] zeroinitializer, section ".rodata.bnnc", align 64
define i32 @"__bnnc__abi_version"() nounwind "tune-cpu"="icelake-server"
{
entry:
  ret i32 1
}

define i64 @"__bnnc__workspace_size"(ptr %".1") nounwind "tune-cpu"="icelake-server"
{
entry:
  %".3" = load i64, ptr %".1", align 8
  %".4" = mul i64 %".3", 64
  %".5" = add i64 %".4", 0
  ret i64 %".5"
}

define internal void @"__bnnc__dispatch"(ptr %".1", ptr %".2", ptr %".3", i64 %".4") nounwind "tune-cpu"="icelake-server" noinline
{
entry:
  %".6" = getelementptr i8, ptr %".1", i64 40
  %".7" = load ptr, ptr %".6", align 8
  %".8" = icmp eq ptr %".7", null
  br i1 %".8", label %"here", label %"there"
here:
  call void %".2"(ptr %".3", i64 0, i64 %".4")
  ret void
there:
  %".12" = getelementptr i8, ptr %".1", i64 48
  %".13" = load ptr, ptr %".12", align 8
  call void %".7"(ptr %".13", ptr %".2", ptr %".3", i64 %".4")
  ret void
}

define i32 @"__bnnc__run"(ptr %".1") nounwind "tune-cpu"="icelake-server"
{
entry:
  %".3" = icmp eq ptr %".1", null
  br i1 %".3", label %"refuse", label %"go"
refuse:
  ret i32 1
go:
  %".6" = getelementptr i8, ptr %".1", i64 0
  %".7" = load i64, ptr %".6", align 8
  %".8" = icmp ne i64 %".7", 56
  br i1 %".8", label %"refuse.1", label %"go.1"
refuse.1:
  ret i32 1
go.1:
  %".11" = getelementptr i8, ptr %".1", i64 8
  %".12" = load ptr, ptr %".11", align 8
  %".13" = icmp eq ptr %".12", null
  br i1 %".13", label %"refuse.2", label %"go.2"
refuse.2:
  ret i32 2
go.2:
  %".16" = load i64, ptr %".12", align 8
  %".17" = icmp slt i64 %".16", 1
  %".18" = icmp sgt i64 %".16", 125658471745
  %".19" = or i1 %".17", %".18"
  br i1 %".19", label %"refuse.3", label %"go.3"
refuse.3:
  ret i32 2
go.3:
  %".22" = getelementptr i8, ptr %".1", i64 32
  %".23" = load ptr, ptr %".22", align 8
  %".24" = ptrtoint ptr %".23" to i64
  %".25" = and i64 %".24", 63
  %".26" = icmp eq ptr %".23", null
  %".27" = icmp ne i64 %".25", 0
  %".28" = or i1 %".26", %".27"
  br i1 %".28", label %"refuse.4", label %"go.4"
refuse.4:
  ret i32 3
go.4:
  %".31" = getelementptr i8, ptr %".1", i64 16
  %".32" = load ptr, ptr %".31", align 8
  %".33" = icmp eq ptr %".32", null
  br i1 %".33", label %"refuse.5", label %"go.5"
refuse.5:
  ret i32 4
go.5:
  %".36" = getelementptr i8, ptr %".32", i64 0
  %".37" = load ptr, ptr %".36", align 8
  %".38" = icmp eq ptr %".37", null
  %".39" = or i1 0, %".38"
  br i1 %".39", label %"refuse.6", label %"go.6"
refuse.6:
  ret i32 4
go.6:
  %".42" = getelementptr i8, ptr %".1", i64 24
  %".43" = load ptr, ptr %".42", align 8
  %".44" = icmp eq ptr %".43", null
  br i1 %".44", label %"refuse.7", label %"go.7"
refuse.7:
  ret i32 4
go.7:
  %".47" = getelementptr i8, ptr %".43", i64 0
  %".48" = load ptr, ptr %".47", align 8
  %".49" = icmp eq ptr %".48", null
  %".50" = or i1 0, %".49"
  br i1 %".50", label %"refuse.8", label %"go.8"
refuse.8:
  ret i32 4
go.8:
  %".53" = getelementptr i8, ptr %".1", i64 16
  %".54" = load ptr, ptr %".53", align 8
  %".55" = getelementptr i8, ptr %".1", i64 24
  %".56" = load ptr, ptr %".55", align 8
  %".57" = getelementptr i8, ptr %".1", i64 32
  %".58" = load ptr, ptr %".57", align 8
  %".59" = alloca i64, i32 6, align 16
  %".60" = getelementptr i8, ptr %".59", i64 16
  store i64 %".16", ptr %".60"
  %".62" = getelementptr i64, ptr %".60", i64 1
  %".63" = mul i64 %".16", 0
  %".64" = getelementptr i8, ptr %".58", i64 %".63"
  store ptr %".64", ptr %".62"
  %".66" = getelementptr i64, ptr %".60", i64 2
  %".67" = getelementptr i8, ptr %".54", i64 0
  %".68" = load ptr, ptr %".67", align 8
  store ptr %".68", ptr %".66"
  %".70" = mul i64 %".16", 1
  %".71" = add i64 %".70", 0
  %".72" = mul i64 %".16", 16
  %".73" = udiv i64 %".72", 4096
  %".74" = add i64 %".73", 1
  %".75" = udiv i64 %".72", 8192
  %".76" = icmp eq i64 %".75", 0
  %".77" = select  i1 %".76", i64 1, i64 %".75"
  store i64 %".77", ptr %".59"
  %".79" = udiv i64 %".71", %".74"
  %".80" = icmp eq i64 %".79", 0
  %".81" = select  i1 %".80", i64 1, i64 %".79"
  %".82" = getelementptr i8, ptr %".59", i64 8
  store i64 %".81", ptr %".82"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.1", ptr %".60", i64 %".71")
  %".85" = getelementptr i64, ptr %".60", i64 1
  %".86" = mul i64 %".16", 0
  %".87" = getelementptr i8, ptr %".58", i64 %".86"
  store ptr %".87", ptr %".85"
  %".89" = getelementptr i64, ptr %".60", i64 2
  %".90" = getelementptr i8, [256 x i8]* @"__bnnc__constants", i64 0
  store [256 x i8]* %".90", ptr %".89"
  %".92" = getelementptr i64, ptr %".60", i64 3
  %".93" = getelementptr i8, ptr %".56", i64 0
  %".94" = load ptr, ptr %".93", align 8
  store ptr %".94", ptr %".92"
  %".96" = mul i64 %".16", 1
  %".97" = add i64 %".96", 0
  %".98" = mul i64 %".16", 8
  %".99" = udiv i64 %".98", 4096
  %".100" = add i64 %".99", 1
  %".101" = udiv i64 %".98", 8192
  %".102" = icmp eq i64 %".101", 0
  %".103" = select  i1 %".102", i64 1, i64 %".101"
  store i64 %".103", ptr %".59"
  %".105" = udiv i64 %".97", %".100"
  %".106" = icmp eq i64 %".105", 0
  %".107" = select  i1 %".106", i64 1, i64 %".105"
  %".108" = getelementptr i8, ptr %".59", i64 8
  store i64 %".107", ptr %".108"
  call void @"__bnnc__dispatch"(ptr %".1", void (ptr, i64, i64)* @"fused.2", ptr %".60", i64 %".97")
  ret i32 0
}

!0 = !{  }
