; ModuleID = "bnnc"
target triple = "aarch64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128-Fn32"

define internal void @"fused.1"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="cortex-a72" noinline
{
entry:
  %".5" = getelementptr i64, ptr %".1", i64 0
  %".6" = load i64, ptr %".5", align 8, !invariant.load !0
  %".7" = getelementptr i64, ptr %".1", i64 1
  %".8" = load ptr, ptr %".7", align 8, !invariant.load !0
  %".9" = getelementptr i64, ptr %".1", i64 2
  %".10" = load ptr, ptr %".9", align 8, !invariant.load !0
  br label %"body"
body:
  br label %"loop"
loop:
  %".12" = phi  i64 [%".2", %"body"], [%".26", %"do"]
  %".13" = icmp slt i64 %".12", %".3"
  br i1 %".13", label %"do", label %"done"
do:
  %".15" = sub nsw i64 %".2", %".12"
  %".16" = icmp sgt i64 %".15", 0
  %".17" = select  i1 %".16", i64 %".15", i64 0
  %".18" = sub nsw i64 %".3", %".12"
  %".19" = icmp slt i64 %".18", 1
  %".20" = select  i1 %".19", i64 %".18", i64 1
  %".21" = mul nsw i64 %".12", 280
  %".22" = getelementptr i8, ptr %".8", i64 %".21"
  %".23" = mul nsw i64 %".12", 16
  %".24" = getelementptr i8, ptr %".10", i64 %".23"
  call void @"tvm.42a75f82ecdeb7feb05e"(ptr %".22", ptr %".24", i64 %".17", i64 %".20")
  %".26" = add nsw i64 %".12", 1
  br label %"loop"
done:
  ret void
}

declare void @"tvm.42a75f82ecdeb7feb05e"(ptr %".1", ptr %".2", i64 %".3", i64 %".4")

define internal void @"fused.2"(ptr noalias %".1", i64 %".2", i64 %".3") nounwind "tune-cpu"="cortex-a72" noinline
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
  %".14" = phi  i64 [%".2", %"body"], [%".28", %"do"]
  %".15" = icmp slt i64 %".14", %".3"
  br i1 %".15", label %"do", label %"done"
do:
  %".17" = sub nsw i64 %".2", %".14"
  %".18" = icmp sgt i64 %".17", 0
  %".19" = select  i1 %".18", i64 %".17", i64 0
  %".20" = sub nsw i64 %".3", %".14"
  %".21" = icmp slt i64 %".20", 1
  %".22" = select  i1 %".21", i64 %".20", i64 1
  %".23" = mul nsw i64 %".14", 32
  %".24" = getelementptr i8, ptr %".8", i64 %".23"
  %".25" = mul nsw i64 %".14", 16
  %".26" = getelementptr i8, ptr %".10", i64 %".25"
  call void @"tvm.cef9df81b80ec776d74f"(ptr %".24", ptr %".26", ptr %".12", i64 %".19", i64 %".22")
  %".28" = add nsw i64 %".14", 1
  br label %"loop"
done:
  ret void
}

declare void @"tvm.cef9df81b80ec776d74f"(ptr %".1", ptr %".2", ptr %".3", i64 %".4", i64 %".5")

@"__bnnc__constants" = internal externally_initialized constant [192 x i8] zeroinitializer, section ".rodata.bnnc", align 64
define i32 @"__bnnc__abi_version"() nounwind "tune-cpu"="cortex-a72"
{
entry:
  ret i32 1
}

define i64 @"__bnnc__workspace_size"(ptr %".1") nounwind "tune-cpu"="cortex-a72"
{
entry:
  %".3" = load i64, ptr %".1", align 8
  %".4" = mul i64 %".3", 64
  %".5" = add i64 %".4", 0
  ret i64 %".5"
}

define internal void @"__bnnc__dispatch"(ptr %".1", ptr %".2", ptr %".3", i64 %".4") nounwind "tune-cpu"="cortex-a72" noinline
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

define i32 @"__bnnc__run"(ptr %".1") nounwind "tune-cpu"="cortex-a72"
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
  %".63" = getelementptr i8, ptr %".54", i64 0
  %".64" = load ptr, ptr %".63", align 8
  store ptr %".64", ptr %".62"
  %".66" = getelementptr i64, ptr %".60", i64 2
  %".67" = mul i64 %".16", 0
  %".68" = getelementptr i8, ptr %".58", i64 %".67"
  store ptr %".68", ptr %".66"
  %".70" = mul i64 %".16", 1
  %".71" = add i64 %".70", 0
  %".72" = mul i64 %".16", 64
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
  %".86" = getelementptr i8, ptr %".56", i64 0
  %".87" = load ptr, ptr %".86", align 8
  store ptr %".87", ptr %".85"
  %".89" = getelementptr i64, ptr %".60", i64 2
  %".90" = mul i64 %".16", 0
  %".91" = getelementptr i8, ptr %".58", i64 %".90"
  store ptr %".91", ptr %".89"
  %".93" = getelementptr i64, ptr %".60", i64 3
  %".94" = getelementptr i8, [192 x i8]* @"__bnnc__constants", i64 0
  store [192 x i8]* %".94", ptr %".93"
  %".96" = mul i64 %".16", 1
  %".97" = add i64 %".96", 0
  %".98" = mul i64 %".16", 16
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
; ModuleID = 'TVMMod'
source_filename = "TVMMod"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128-Fn32"
target triple = "aarch64-unknown-linux-gnu"


; Function Attrs: nofree norecurse nosync nounwind memory(argmem: readwrite)
define void @tvm.42a75f82ecdeb7feb05e(ptr readonly captures(none) %a0, ptr writeonly captures(none) %a1, i64 %first, i64 %last) local_unnamed_addr #0 {
entry:
  %0 = trunc i64 %first to i32
  %1 = sub nsw i64 %last, %first
  %2 = trunc i64 %1 to i32
  %3 = add nsw i32 %2, %0
  %4 = icmp sgt i32 %2, 0
  br i1 %4, label %for_begin_v1.preheader.lr.ph, label %for_end_v, !prof !23

for_begin_v1.preheader.lr.ph:                     ; preds = %entry
  %5 = getelementptr inbounds nuw i8, ptr %a1, i64 9
  %6 = getelementptr inbounds nuw i8, ptr %a0, i64 256
  %7 = getelementptr inbounds nuw i8, ptr %a0, i64 272
  %8 = getelementptr inbounds nuw i8, ptr %a1, i64 8
  %9 = getelementptr inbounds nuw i8, ptr %a0, i64 4
  %10 = getelementptr inbounds nuw i8, ptr %a0, i64 8
  %11 = getelementptr inbounds nuw i8, ptr %a0, i64 12
  %12 = getelementptr inbounds nuw i8, ptr %a0, i64 16
  %13 = getelementptr inbounds nuw i8, ptr %a0, i64 20
  %14 = getelementptr inbounds nuw i8, ptr %a0, i64 24
  %15 = getelementptr inbounds nuw i8, ptr %a0, i64 28
  %16 = getelementptr inbounds nuw i8, ptr %a0, i64 32
  %17 = getelementptr inbounds nuw i8, ptr %a0, i64 36
  %18 = getelementptr inbounds nuw i8, ptr %a0, i64 40
  %19 = getelementptr inbounds nuw i8, ptr %a0, i64 44
  %20 = getelementptr inbounds nuw i8, ptr %a0, i64 48
  %21 = getelementptr inbounds nuw i8, ptr %a0, i64 52
  %22 = getelementptr inbounds nuw i8, ptr %a0, i64 56
  %23 = getelementptr inbounds nuw i8, ptr %a0, i64 60
  %24 = getelementptr inbounds nuw i8, ptr %a1, i64 1
  %25 = getelementptr inbounds nuw i8, ptr %a0, i64 64
  %26 = getelementptr inbounds nuw i8, ptr %a0, i64 68
  %27 = getelementptr inbounds nuw i8, ptr %a0, i64 72
  %28 = getelementptr inbounds nuw i8, ptr %a0, i64 76
  %29 = getelementptr inbounds nuw i8, ptr %a0, i64 80
  %30 = getelementptr inbounds nuw i8, ptr %a0, i64 84
  %31 = getelementptr inbounds nuw i8, ptr %a0, i64 88
  %32 = getelementptr inbounds nuw i8, ptr %a0, i64 92
  %33 = getelementptr inbounds nuw i8, ptr %a1, i64 2
  %34 = getelementptr inbounds nuw i8, ptr %a0, i64 96
  %35 = getelementptr inbounds nuw i8, ptr %a0, i64 100
  %36 = getelementptr inbounds nuw i8, ptr %a0, i64 104
  %37 = getelementptr inbounds nuw i8, ptr %a0, i64 108
  %38 = getelementptr inbounds nuw i8, ptr %a0, i64 112
  %39 = getelementptr inbounds nuw i8, ptr %a0, i64 116
  %40 = getelementptr inbounds nuw i8, ptr %a0, i64 120
  %41 = getelementptr inbounds nuw i8, ptr %a0, i64 124
  %42 = getelementptr inbounds nuw i8, ptr %a1, i64 3
  %43 = getelementptr inbounds nuw i8, ptr %a0, i64 128
  %44 = getelementptr inbounds nuw i8, ptr %a0, i64 132
  %45 = getelementptr inbounds nuw i8, ptr %a0, i64 136
  %46 = getelementptr inbounds nuw i8, ptr %a0, i64 140
  %47 = getelementptr inbounds nuw i8, ptr %a0, i64 144
  %48 = getelementptr inbounds nuw i8, ptr %a0, i64 148
  %49 = getelementptr inbounds nuw i8, ptr %a0, i64 152
  %50 = getelementptr inbounds nuw i8, ptr %a0, i64 156
  %51 = getelementptr inbounds nuw i8, ptr %a1, i64 4
  %52 = getelementptr inbounds nuw i8, ptr %a0, i64 160
  %53 = getelementptr inbounds nuw i8, ptr %a0, i64 164
  %54 = getelementptr inbounds nuw i8, ptr %a0, i64 168
  %55 = getelementptr inbounds nuw i8, ptr %a0, i64 172
  %56 = getelementptr inbounds nuw i8, ptr %a0, i64 176
  %57 = getelementptr inbounds nuw i8, ptr %a0, i64 180
  %58 = getelementptr inbounds nuw i8, ptr %a0, i64 184
  %59 = getelementptr inbounds nuw i8, ptr %a0, i64 188
  %60 = getelementptr inbounds nuw i8, ptr %a1, i64 5
  %61 = getelementptr inbounds nuw i8, ptr %a0, i64 192
  %62 = getelementptr inbounds nuw i8, ptr %a0, i64 196
  %63 = getelementptr inbounds nuw i8, ptr %a0, i64 200
  %64 = getelementptr inbounds nuw i8, ptr %a0, i64 204
  %65 = getelementptr inbounds nuw i8, ptr %a0, i64 208
  %66 = getelementptr inbounds nuw i8, ptr %a0, i64 212
  %67 = getelementptr inbounds nuw i8, ptr %a0, i64 216
  %68 = getelementptr inbounds nuw i8, ptr %a0, i64 220
  %69 = getelementptr inbounds nuw i8, ptr %a1, i64 6
  %70 = getelementptr inbounds nuw i8, ptr %a0, i64 224
  %71 = getelementptr inbounds nuw i8, ptr %a0, i64 228
  %72 = getelementptr inbounds nuw i8, ptr %a0, i64 232
  %73 = getelementptr inbounds nuw i8, ptr %a0, i64 236
  %74 = getelementptr inbounds nuw i8, ptr %a0, i64 240
  %75 = getelementptr inbounds nuw i8, ptr %a0, i64 244
  %76 = getelementptr inbounds nuw i8, ptr %a0, i64 248
  %77 = getelementptr inbounds nuw i8, ptr %a0, i64 252
  %78 = getelementptr inbounds nuw i8, ptr %a1, i64 7
  br label %for_begin_v1.preheader

for_begin_v1.preheader:                           ; preds = %for_begin_v1.preheader.lr.ph, %for_begin_v1.preheader
  %v7 = phi i32 [ %0, %for_begin_v1.preheader.lr.ph ], [ %221, %for_begin_v1.preheader ]
  %79 = load float, ptr %a0, align 4, !tbaa !24
  %80 = load float, ptr %9, align 4, !tbaa !24
  %81 = load float, ptr %10, align 4, !tbaa !24
  %82 = load float, ptr %11, align 4, !tbaa !24
  %83 = load float, ptr %12, align 4, !tbaa !24
  %84 = load float, ptr %13, align 4, !tbaa !24
  %85 = load float, ptr %14, align 4, !tbaa !24
  %86 = load float, ptr %15, align 4, !tbaa !24
  %87 = insertelement <8 x float> poison, float %79, i64 0
  %88 = insertelement <8 x float> %87, float %80, i64 1
  %89 = insertelement <8 x float> %88, float %81, i64 2
  %90 = insertelement <8 x float> %89, float %82, i64 3
  %91 = insertelement <8 x float> %90, float %83, i64 4
  %92 = insertelement <8 x float> %91, float %84, i64 5
  %93 = insertelement <8 x float> %92, float %85, i64 6
  %94 = insertelement <8 x float> %93, float %86, i64 7
  %95 = fcmp oge <8 x float> %94, zeroinitializer
  %96 = load float, ptr %16, align 4, !tbaa !24
  %97 = load float, ptr %17, align 4, !tbaa !24
  %98 = load float, ptr %18, align 4, !tbaa !24
  %99 = load float, ptr %19, align 4, !tbaa !24
  %100 = load float, ptr %20, align 4, !tbaa !24
  %101 = load float, ptr %21, align 4, !tbaa !24
  %102 = load float, ptr %22, align 4, !tbaa !24
  %103 = load float, ptr %23, align 4, !tbaa !24
  %104 = insertelement <8 x float> poison, float %96, i64 0
  %105 = insertelement <8 x float> %104, float %97, i64 1
  %106 = insertelement <8 x float> %105, float %98, i64 2
  %107 = insertelement <8 x float> %106, float %99, i64 3
  %108 = insertelement <8 x float> %107, float %100, i64 4
  %109 = insertelement <8 x float> %108, float %101, i64 5
  %110 = insertelement <8 x float> %109, float %102, i64 6
  %111 = insertelement <8 x float> %110, float %103, i64 7
  %112 = fcmp oge <8 x float> %111, zeroinitializer
  %113 = load float, ptr %25, align 4, !tbaa !24
  %114 = load float, ptr %26, align 4, !tbaa !24
  %115 = load float, ptr %27, align 4, !tbaa !24
  %116 = load float, ptr %28, align 4, !tbaa !24
  %117 = load float, ptr %29, align 4, !tbaa !24
  %118 = load float, ptr %30, align 4, !tbaa !24
  %119 = load float, ptr %31, align 4, !tbaa !24
  %120 = load float, ptr %32, align 4, !tbaa !24
  %121 = insertelement <8 x float> poison, float %113, i64 0
  %122 = insertelement <8 x float> %121, float %114, i64 1
  %123 = insertelement <8 x float> %122, float %115, i64 2
  %124 = insertelement <8 x float> %123, float %116, i64 3
  %125 = insertelement <8 x float> %124, float %117, i64 4
  %126 = insertelement <8 x float> %125, float %118, i64 5
  %127 = insertelement <8 x float> %126, float %119, i64 6
  %128 = insertelement <8 x float> %127, float %120, i64 7
  %129 = fcmp oge <8 x float> %128, zeroinitializer
  %130 = load float, ptr %34, align 4, !tbaa !24
  %131 = load float, ptr %35, align 4, !tbaa !24
  %132 = load float, ptr %36, align 4, !tbaa !24
  %133 = load float, ptr %37, align 4, !tbaa !24
  %134 = load float, ptr %38, align 4, !tbaa !24
  %135 = load float, ptr %39, align 4, !tbaa !24
  %136 = load float, ptr %40, align 4, !tbaa !24
  %137 = load float, ptr %41, align 4, !tbaa !24
  %138 = insertelement <8 x float> poison, float %130, i64 0
  %139 = insertelement <8 x float> %138, float %131, i64 1
  %140 = insertelement <8 x float> %139, float %132, i64 2
  %141 = insertelement <8 x float> %140, float %133, i64 3
  %142 = insertelement <8 x float> %141, float %134, i64 4
  %143 = insertelement <8 x float> %142, float %135, i64 5
  %144 = insertelement <8 x float> %143, float %136, i64 6
  %145 = insertelement <8 x float> %144, float %137, i64 7
  %146 = fcmp oge <8 x float> %145, zeroinitializer
  %147 = load float, ptr %43, align 4, !tbaa !24
  %148 = load float, ptr %44, align 4, !tbaa !24
  %149 = load float, ptr %45, align 4, !tbaa !24
  %150 = load float, ptr %46, align 4, !tbaa !24
  %151 = load float, ptr %47, align 4, !tbaa !24
  %152 = load float, ptr %48, align 4, !tbaa !24
  %153 = load float, ptr %49, align 4, !tbaa !24
  %154 = load float, ptr %50, align 4, !tbaa !24
  %155 = insertelement <8 x float> poison, float %147, i64 0
  %156 = insertelement <8 x float> %155, float %148, i64 1
  %157 = insertelement <8 x float> %156, float %149, i64 2
  %158 = insertelement <8 x float> %157, float %150, i64 3
  %159 = insertelement <8 x float> %158, float %151, i64 4
  %160 = insertelement <8 x float> %159, float %152, i64 5
  %161 = insertelement <8 x float> %160, float %153, i64 6
  %162 = insertelement <8 x float> %161, float %154, i64 7
  %163 = fcmp oge <8 x float> %162, zeroinitializer
  %164 = load float, ptr %52, align 4, !tbaa !24
  %165 = load float, ptr %53, align 4, !tbaa !24
  %166 = load float, ptr %54, align 4, !tbaa !24
  %167 = load float, ptr %55, align 4, !tbaa !24
  %168 = load float, ptr %56, align 4, !tbaa !24
  %169 = load float, ptr %57, align 4, !tbaa !24
  %170 = load float, ptr %58, align 4, !tbaa !24
  %171 = load float, ptr %59, align 4, !tbaa !24
  %172 = insertelement <8 x float> poison, float %164, i64 0
  %173 = insertelement <8 x float> %172, float %165, i64 1
  %174 = insertelement <8 x float> %173, float %166, i64 2
  %175 = insertelement <8 x float> %174, float %167, i64 3
  %176 = insertelement <8 x float> %175, float %168, i64 4
  %177 = insertelement <8 x float> %176, float %169, i64 5
  %178 = insertelement <8 x float> %177, float %170, i64 6
  %179 = insertelement <8 x float> %178, float %171, i64 7
  %180 = fcmp oge <8 x float> %179, zeroinitializer
  %181 = load float, ptr %61, align 4, !tbaa !24
  %182 = load float, ptr %62, align 4, !tbaa !24
  %183 = load float, ptr %63, align 4, !tbaa !24
  %184 = load float, ptr %64, align 4, !tbaa !24
  %185 = load float, ptr %65, align 4, !tbaa !24
  %186 = load float, ptr %66, align 4, !tbaa !24
  %187 = load float, ptr %67, align 4, !tbaa !24
  %188 = load float, ptr %68, align 4, !tbaa !24
  %189 = insertelement <8 x float> poison, float %181, i64 0
  %190 = insertelement <8 x float> %189, float %182, i64 1
  %191 = insertelement <8 x float> %190, float %183, i64 2
  %192 = insertelement <8 x float> %191, float %184, i64 3
  %193 = insertelement <8 x float> %192, float %185, i64 4
  %194 = insertelement <8 x float> %193, float %186, i64 5
  %195 = insertelement <8 x float> %194, float %187, i64 6
  %196 = insertelement <8 x float> %195, float %188, i64 7
  %197 = fcmp oge <8 x float> %196, zeroinitializer
  %198 = load float, ptr %70, align 4, !tbaa !24
  %199 = load float, ptr %71, align 4, !tbaa !24
  %200 = load float, ptr %72, align 4, !tbaa !24
  %201 = load float, ptr %73, align 4, !tbaa !24
  %202 = load float, ptr %74, align 4, !tbaa !24
  %203 = load float, ptr %75, align 4, !tbaa !24
  %204 = load float, ptr %76, align 4, !tbaa !24
  %205 = load float, ptr %77, align 4, !tbaa !24
  %206 = insertelement <8 x float> poison, float %198, i64 0
  %207 = insertelement <8 x float> %206, float %199, i64 1
  %208 = insertelement <8 x float> %207, float %200, i64 2
  %209 = insertelement <8 x float> %208, float %201, i64 3
  %210 = insertelement <8 x float> %209, float %202, i64 4
  %211 = insertelement <8 x float> %210, float %203, i64 5
  %212 = insertelement <8 x float> %211, float %204, i64 6
  %213 = insertelement <8 x float> %212, float %205, i64 7
  %214 = fcmp oge <8 x float> %213, zeroinitializer
  %215 = load <4 x float>, ptr %6, align 4, !tbaa !24
  %216 = load <2 x float>, ptr %7, align 4, !tbaa !24
  %217 = shufflevector <4 x float> %215, <4 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 poison, i32 poison, i32 poison, i32 poison>
  %218 = shufflevector <2 x float> %216, <2 x float> poison, <8 x i32> <i32 0, i32 1, i32 1, i32 1, i32 poison, i32 poison, i32 poison, i32 poison>
  %219 = shufflevector <8 x float> %217, <8 x float> %218, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 8, i32 9, i32 10, i32 11>
  %220 = fcmp oge <8 x float> %219, zeroinitializer
  %mulbool.peel = and <8 x i1> %220, <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false>
  %221 = add nsw i32 %v7, 1
  %222 = icmp slt i32 %221, %3
  tail call void @llvm.memset.p0.i64(ptr noundef nonnull align 1 dereferenceable(7) %5, i8 0, i64 7, i1 false)
  br i1 %222, label %for_begin_v1.preheader, label %for_end_v.loopexit, !prof !30

for_end_v.loopexit:                               ; preds = %for_begin_v1.preheader
  store <8 x i1> %95, ptr %a1, align 1, !tbaa !31
  store <8 x i1> %112, ptr %24, align 1, !tbaa !31
  store <8 x i1> %129, ptr %33, align 1, !tbaa !31
  store <8 x i1> %146, ptr %42, align 1, !tbaa !31
  store <8 x i1> %163, ptr %51, align 1, !tbaa !31
  store <8 x i1> %180, ptr %60, align 1, !tbaa !31
  store <8 x i1> %197, ptr %69, align 1, !tbaa !31
  store <8 x i1> %214, ptr %78, align 1, !tbaa !31
  store <8 x i1> %mulbool.peel, ptr %8, align 1, !tbaa !31
  br label %for_end_v

for_end_v:                                        ; preds = %for_end_v.loopexit, %entry
  ret void
}

; Function Attrs: nofree nosync nounwind memory(none)
define internal dso_local i16 @__truncsfhf2(float %a0) local_unnamed_addr #1 section ".text.tvm.fp16.conv" {
b0:
  %v0 = bitcast float %a0 to i32
  %0 = tail call float @llvm.fabs.f32(float %a0)
  %v1 = bitcast float %0 to i32
  %v2 = add nsw i32 %v1, -947912704
  %v3 = add nsw i32 %v1, -1199570944
  %v4 = icmp ult i32 %v2, %v3
  br i1 %v4, label %b1, label %b5

b1:                                               ; preds = %b0
  %v5 = lshr i32 %v0, 13
  %v7 = add nsw i32 %v5, -114688
  %v8 = and i32 %v0, 8191
  %v9 = icmp samesign ugt i32 %v8, 4096
  br i1 %v9, label %b2, label %b3

b2:                                               ; preds = %b1
  %v10 = add nsw i32 %v5, -114687
  br label %b13

b3:                                               ; preds = %b1
  %v11 = icmp eq i32 %v8, 4096
  br i1 %v11, label %b4, label %b13

b4:                                               ; preds = %b3
  %v13 = and i32 %v5, 1
  %v14 = add nsw i32 %v7, %v13
  br label %b13

b5:                                               ; preds = %b0
  %v15 = icmp samesign ugt i32 %v1, 2139095040
  br i1 %v15, label %b6, label %b7

b6:                                               ; preds = %b5
  %v16 = lshr i32 %v0, 13
  %v17 = and i32 %v16, 511
  %v18 = or disjoint i32 %v17, 32256
  br label %b13

b7:                                               ; preds = %b5
  %v19 = icmp samesign ugt i32 %v1, 1199570943
  br i1 %v19, label %b13, label %b8

b8:                                               ; preds = %b7
  %v20 = icmp samesign ult i32 %v1, 754974720
  br i1 %v20, label %b13, label %b9

b9:                                               ; preds = %b8
  %v21 = lshr i32 %v1, 23
  %v22 = sub nsw i32 113, %v21
  %v23 = and i32 %v0, 8388607
  %v24 = or disjoint i32 %v23, 8388608
  %v25 = add nsw i32 %v21, -81
  %v26 = shl i32 %v24, %v25
  %v27 = icmp ne i32 %v26, 0
  %v28 = lshr i32 %v24, %v22
  %v29 = zext i1 %v27 to i32
  %v30 = lshr i32 %v28, 13
  %v31 = and i32 %v28, 8191
  %v32 = or i32 %v31, %v29
  %v33 = icmp samesign ugt i32 %v32, 4096
  br i1 %v33, label %b10, label %b11

b10:                                              ; preds = %b9
  %v34 = add nuw nsw i32 %v30, 1
  br label %b13

b11:                                              ; preds = %b9
  %v35 = icmp eq i32 %v32, 4096
  br i1 %v35, label %b12, label %b13

b12:                                              ; preds = %b11
  %v36 = and i32 %v30, 1
  %v37 = add nuw nsw i32 %v36, %v30
  br label %b13

b13:                                              ; preds = %b12, %b11, %b10, %b8, %b7, %b6, %b4, %b3, %b2
  %v38 = phi i32 [ %v18, %b6 ], [ %v10, %b2 ], [ %v14, %b4 ], [ %v7, %b3 ], [ 31744, %b7 ], [ 0, %b8 ], [ %v34, %b10 ], [ %v37, %b12 ], [ %v30, %b11 ]
  %v39 = lshr i32 %v0, 16
  %v40 = and i32 %v39, 32768
  %v41 = or i32 %v38, %v40
  %vlast = trunc i32 %v41 to i16
  ret i16 %vlast
}

; Function Attrs: nofree nosync nounwind memory(none)
define internal dso_local float @__extendhfsf2(i16 %a0) local_unnamed_addr #1 section ".text.tvm.fp16.conv" {
b0:
  %v1 = and i16 %a0, 32767
  %v2 = zext nneg i16 %v1 to i32
  %v3 = add nsw i16 %v1, -1024
  %v4 = icmp ult i16 %v3, 30720
  br i1 %v4, label %b1, label %b2

b1:                                               ; preds = %b0
  %v5 = shl nuw nsw i32 %v2, 13
  %v6 = add nuw nsw i32 %v5, 939524096
  br label %b6

b2:                                               ; preds = %b0
  %v7 = icmp samesign ugt i16 %v1, 31743
  br i1 %v7, label %b3, label %b4

b3:                                               ; preds = %b2
  %v8 = shl nuw nsw i32 %v2, 13
  %v9 = or i32 %v8, 2139095040
  br label %b6

b4:                                               ; preds = %b2
  %v10 = icmp eq i16 %v1, 0
  br i1 %v10, label %b6, label %b5

b5:                                               ; preds = %b4
  %v11 = icmp samesign ult i16 %v1, 256
  %v12 = lshr i32 %v2, 8
  %v13 = select i1 %v11, i32 %v2, i32 %v12
  %v14 = select i1 %v11, i32 32, i32 24
  %v15 = icmp samesign ult i32 %v13, 16
  %v16 = lshr i32 %v13, 4
  %v17 = add nsw i32 %v14, -4
  %v18 = select i1 %v15, i32 %v13, i32 %v16
  %v19 = select i1 %v15, i32 %v14, i32 %v17
  %v20 = icmp samesign ult i32 %v18, 4
  %v21 = lshr i32 %v18, 2
  %v22 = add nsw i32 %v19, -2
  %v23 = select i1 %v20, i32 %v18, i32 %v21
  %v24 = select i1 %v20, i32 %v19, i32 %v22
  %v25 = icmp samesign ult i32 %v23, 2
  %v26 = sub nsw i32 0, %v23
  %v27 = select i1 %v25, i32 %v26, i32 -2
  %v28 = add nsw i32 %v27, %v24
  %v29 = add nsw i32 %v28, -8
  %v30 = shl i32 %v2, %v29
  %v31 = xor i32 %v30, 8388608
  %v32 = shl i32 %v28, 23
  %v33 = sub i32 1124073472, %v32
  %v34 = or i32 %v31, %v33
  br label %b6

b6:                                               ; preds = %b5, %b4, %b3, %b1
  %v35 = phi i32 [ %v6, %b1 ], [ %v9, %b3 ], [ %v34, %b5 ], [ 0, %b4 ]
  %v36 = and i16 %a0, -32768
  %v37 = zext i16 %v36 to i32
  %v38 = shl nuw i32 %v37, 16
  %v39 = or i32 %v35, %v38
  %v40 = bitcast i32 %v39 to float
  ret float %v40
}

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare float @llvm.fabs.f32(float) #2

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr writeonly captures(none), i8, i64, i1 immarg) #3

attributes #0 = { nofree norecurse nosync nounwind memory(argmem: readwrite) "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }
attributes #1 = { nofree nosync nounwind memory(none) "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }
attributes #2 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #3 = { nocallback nofree nounwind willreturn memory(argmem: write) }


!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "TVM", isOptimized: false, runtimeVersion: 0, emissionKind: FullDebug)
!1 = !DIFile(filename: "IRModule.CodeGenLLVM", directory: ".")
!2 = !{i32 2, !"tvm_target", !"{\22kind\22:\22llvm\22,\22mtriple\22:\22aarch64-unknown-linux-gnu\22,\22mattr\22:[\22+fp-armv8\22,\22+neon\22]}"}
!3 = !{i32 4, !"Debug Info Version", i32 3}
!4 = !{i32 4, !"Dwarf Version", i32 4}
!5 = distinct !DISubprogram(name: "kernel", scope: !1, file: !1, type: !6, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !0, retainedNodes: !13)
!6 = !DISubroutineType(types: !7)
!7 = !{null, !8, !10, !12, !12}
!8 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !9)
!9 = !DIBasicType(name: "float32", size: 32, encoding: DW_ATE_float)
!10 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !11)
!11 = !DIBasicType(name: "uint8", size: 8, encoding: DW_ATE_unsigned)
!12 = !DIBasicType(name: "int64", size: 64, encoding: DW_ATE_signed)
!13 = !{!14, !15, !16, !17}
!14 = !DILocalVariable(name: "a0", arg: 1, scope: !5, file: !1, type: !8)
!15 = !DILocalVariable(name: "a1", arg: 2, scope: !5, file: !1, type: !10)
!16 = !DILocalVariable(name: "first", arg: 3, scope: !5, file: !1, type: !12)
!17 = !DILocalVariable(name: "last", arg: 4, scope: !5, file: !1, type: !12)
!18 = !DILocation(line: 0, scope: !5)
!19 = !DILocalVariable(name: "a0", scope: !5, file: !1, type: !8)
!20 = !DILocalVariable(name: "a1", scope: !5, file: !1, type: !10)
!21 = !DILocalVariable(name: "v", scope: !5, file: !1, type: !22)
!22 = !DIBasicType(name: "int32", size: 32, encoding: DW_ATE_signed)
!23 = !{!"branch_weights", i32 127, i32 1}
!24 = !{!25, !25, i64 0}
!25 = !{!"buffer0", !26, i64 0}
!26 = !{!"tvm-tbaa"}
!27 = !DILocalVariable(scope: !5, file: !1, type: !28)
!28 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !29)
!29 = !DIBasicType(name: "int8", size: 8, encoding: DW_ATE_signed)
!30 = !{!"branch_weights", i32 134217601, i32 127}
!31 = !{!32, !32, i64 0}
!32 = !{!"buffer1", !26, i64 0}
; ModuleID = 'TVMMod'
source_filename = "TVMMod"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128-Fn32"
target triple = "aarch64-unknown-linux-gnu"


; Function Attrs: mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: readwrite)
define void @tvm.cef9df81b80ec776d74f(ptr writeonly captures(none) initializes((0, 32)) %a0, ptr readonly captures(none) %a1, ptr readonly captures(none) %a2, i64 %first, i64 %last) local_unnamed_addr #0 {
entry:
  %0 = load <8 x i8>, ptr %a2, align 1, !tbaa !26
  %1 = load i8, ptr %a1, align 1, !tbaa !29
  %2 = insertelement <8 x i8> poison, i8 %1, i64 0
  %3 = shufflevector <8 x i8> %2, <8 x i8> poison, <8 x i32> zeroinitializer
  %4 = xor <8 x i8> %3, %0
  %5 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %4)
  %6 = getelementptr inbounds nuw i8, ptr %a2, i64 8
  %7 = load <8 x i8>, ptr %6, align 1, !tbaa !26
  %8 = getelementptr inbounds nuw i8, ptr %a1, i64 1
  %9 = load i8, ptr %8, align 1, !tbaa !29
  %10 = insertelement <8 x i8> poison, i8 %9, i64 0
  %11 = shufflevector <8 x i8> %10, <8 x i8> poison, <8 x i32> zeroinitializer
  %12 = xor <8 x i8> %11, %7
  %13 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %12)
  %14 = add nuw nsw <8 x i8> %13, %5
  %15 = getelementptr inbounds nuw i8, ptr %a2, i64 16
  %16 = load <8 x i8>, ptr %15, align 1, !tbaa !26
  %17 = getelementptr inbounds nuw i8, ptr %a1, i64 2
  %18 = load i8, ptr %17, align 1, !tbaa !29
  %19 = insertelement <8 x i8> poison, i8 %18, i64 0
  %20 = shufflevector <8 x i8> %19, <8 x i8> poison, <8 x i32> zeroinitializer
  %21 = xor <8 x i8> %20, %16
  %22 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %21)
  %23 = add nuw nsw <8 x i8> %22, %14
  %24 = getelementptr inbounds nuw i8, ptr %a2, i64 24
  %25 = load <8 x i8>, ptr %24, align 1, !tbaa !26
  %26 = getelementptr inbounds nuw i8, ptr %a1, i64 3
  %27 = load i8, ptr %26, align 1, !tbaa !29
  %28 = insertelement <8 x i8> poison, i8 %27, i64 0
  %29 = shufflevector <8 x i8> %28, <8 x i8> poison, <8 x i32> zeroinitializer
  %30 = xor <8 x i8> %29, %25
  %31 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %30)
  %32 = add nuw nsw <8 x i8> %31, %23
  %33 = getelementptr inbounds nuw i8, ptr %a2, i64 32
  %34 = load <8 x i8>, ptr %33, align 1, !tbaa !26
  %35 = getelementptr inbounds nuw i8, ptr %a1, i64 4
  %36 = load i8, ptr %35, align 1, !tbaa !29
  %37 = insertelement <8 x i8> poison, i8 %36, i64 0
  %38 = shufflevector <8 x i8> %37, <8 x i8> poison, <8 x i32> zeroinitializer
  %39 = xor <8 x i8> %38, %34
  %40 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %39)
  %41 = add nuw nsw <8 x i8> %40, %32
  %42 = getelementptr inbounds nuw i8, ptr %a2, i64 40
  %43 = load <8 x i8>, ptr %42, align 1, !tbaa !26
  %44 = getelementptr inbounds nuw i8, ptr %a1, i64 5
  %45 = load i8, ptr %44, align 1, !tbaa !29
  %46 = insertelement <8 x i8> poison, i8 %45, i64 0
  %47 = shufflevector <8 x i8> %46, <8 x i8> poison, <8 x i32> zeroinitializer
  %48 = xor <8 x i8> %47, %43
  %49 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %48)
  %50 = add nuw nsw <8 x i8> %49, %41
  %51 = getelementptr inbounds nuw i8, ptr %a2, i64 48
  %52 = load <8 x i8>, ptr %51, align 1, !tbaa !26
  %53 = getelementptr inbounds nuw i8, ptr %a1, i64 6
  %54 = load i8, ptr %53, align 1, !tbaa !29
  %55 = insertelement <8 x i8> poison, i8 %54, i64 0
  %56 = shufflevector <8 x i8> %55, <8 x i8> poison, <8 x i32> zeroinitializer
  %57 = xor <8 x i8> %56, %52
  %58 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %57)
  %59 = add nuw nsw <8 x i8> %58, %50
  %60 = getelementptr inbounds nuw i8, ptr %a2, i64 56
  %61 = load <8 x i8>, ptr %60, align 1, !tbaa !26
  %62 = getelementptr inbounds nuw i8, ptr %a1, i64 7
  %63 = load i8, ptr %62, align 1, !tbaa !29
  %64 = insertelement <8 x i8> poison, i8 %63, i64 0
  %65 = shufflevector <8 x i8> %64, <8 x i8> poison, <8 x i32> zeroinitializer
  %66 = xor <8 x i8> %65, %61
  %67 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %66)
  %68 = add nuw nsw <8 x i8> %67, %59
  %69 = getelementptr inbounds nuw i8, ptr %a2, i64 64
  %70 = load <8 x i8>, ptr %69, align 1, !tbaa !26
  %71 = getelementptr inbounds nuw i8, ptr %a1, i64 8
  %72 = load i8, ptr %71, align 1, !tbaa !29
  %73 = insertelement <8 x i8> poison, i8 %72, i64 0
  %74 = shufflevector <8 x i8> %73, <8 x i8> poison, <8 x i32> zeroinitializer
  %75 = xor <8 x i8> %74, %70
  %76 = tail call range(i8 0, 9) <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %75)
  %77 = add nuw nsw <8 x i8> %76, %68
  %78 = zext nneg <8 x i8> %77 to <8 x i32>
  %79 = shl nuw nsw <8 x i32> %78, splat (i32 1)
  %80 = sub nsw <8 x i32> splat (i32 70), %79
  store <8 x i32> %80, ptr %a0, align 4, !tbaa !31
  ret void
}

; Function Attrs: mustprogress nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare <8 x i8> @llvm.ctpop.v8i8(<8 x i8>) #1

; Function Attrs: nofree nosync nounwind memory(none)
define internal dso_local i16 @__truncsfhf2(float %a0) local_unnamed_addr #2 section ".text.tvm.fp16.conv" {
b0:
  %v0 = bitcast float %a0 to i32
  %0 = tail call float @llvm.fabs.f32(float %a0)
  %v1 = bitcast float %0 to i32
  %v2 = add nsw i32 %v1, -947912704
  %v3 = add nsw i32 %v1, -1199570944
  %v4 = icmp ult i32 %v2, %v3
  br i1 %v4, label %b1, label %b5

b1:                                               ; preds = %b0
  %v5 = lshr i32 %v0, 13
  %v7 = add nsw i32 %v5, -114688
  %v8 = and i32 %v0, 8191
  %v9 = icmp samesign ugt i32 %v8, 4096
  br i1 %v9, label %b2, label %b3

b2:                                               ; preds = %b1
  %v10 = add nsw i32 %v5, -114687
  br label %b13

b3:                                               ; preds = %b1
  %v11 = icmp eq i32 %v8, 4096
  br i1 %v11, label %b4, label %b13

b4:                                               ; preds = %b3
  %v13 = and i32 %v5, 1
  %v14 = add nsw i32 %v7, %v13
  br label %b13

b5:                                               ; preds = %b0
  %v15 = icmp samesign ugt i32 %v1, 2139095040
  br i1 %v15, label %b6, label %b7

b6:                                               ; preds = %b5
  %v16 = lshr i32 %v0, 13
  %v17 = and i32 %v16, 511
  %v18 = or disjoint i32 %v17, 32256
  br label %b13

b7:                                               ; preds = %b5
  %v19 = icmp samesign ugt i32 %v1, 1199570943
  br i1 %v19, label %b13, label %b8

b8:                                               ; preds = %b7
  %v20 = icmp samesign ult i32 %v1, 754974720
  br i1 %v20, label %b13, label %b9

b9:                                               ; preds = %b8
  %v21 = lshr i32 %v1, 23
  %v22 = sub nsw i32 113, %v21
  %v23 = and i32 %v0, 8388607
  %v24 = or disjoint i32 %v23, 8388608
  %v25 = add nsw i32 %v21, -81
  %v26 = shl i32 %v24, %v25
  %v27 = icmp ne i32 %v26, 0
  %v28 = lshr i32 %v24, %v22
  %v29 = zext i1 %v27 to i32
  %v30 = lshr i32 %v28, 13
  %v31 = and i32 %v28, 8191
  %v32 = or i32 %v31, %v29
  %v33 = icmp samesign ugt i32 %v32, 4096
  br i1 %v33, label %b10, label %b11

b10:                                              ; preds = %b9
  %v34 = add nuw nsw i32 %v30, 1
  br label %b13

b11:                                              ; preds = %b9
  %v35 = icmp eq i32 %v32, 4096
  br i1 %v35, label %b12, label %b13

b12:                                              ; preds = %b11
  %v36 = and i32 %v30, 1
  %v37 = add nuw nsw i32 %v36, %v30
  br label %b13

b13:                                              ; preds = %b12, %b11, %b10, %b8, %b7, %b6, %b4, %b3, %b2
  %v38 = phi i32 [ %v18, %b6 ], [ %v10, %b2 ], [ %v14, %b4 ], [ %v7, %b3 ], [ 31744, %b7 ], [ 0, %b8 ], [ %v34, %b10 ], [ %v37, %b12 ], [ %v30, %b11 ]
  %v39 = lshr i32 %v0, 16
  %v40 = and i32 %v39, 32768
  %v41 = or i32 %v38, %v40
  %vlast = trunc i32 %v41 to i16
  ret i16 %vlast
}

; Function Attrs: nofree nosync nounwind memory(none)
define internal dso_local float @__extendhfsf2(i16 %a0) local_unnamed_addr #2 section ".text.tvm.fp16.conv" {
b0:
  %v1 = and i16 %a0, 32767
  %v2 = zext nneg i16 %v1 to i32
  %v3 = add nsw i16 %v1, -1024
  %v4 = icmp ult i16 %v3, 30720
  br i1 %v4, label %b1, label %b2

b1:                                               ; preds = %b0
  %v5 = shl nuw nsw i32 %v2, 13
  %v6 = add nuw nsw i32 %v5, 939524096
  br label %b6

b2:                                               ; preds = %b0
  %v7 = icmp samesign ugt i16 %v1, 31743
  br i1 %v7, label %b3, label %b4

b3:                                               ; preds = %b2
  %v8 = shl nuw nsw i32 %v2, 13
  %v9 = or i32 %v8, 2139095040
  br label %b6

b4:                                               ; preds = %b2
  %v10 = icmp eq i16 %v1, 0
  br i1 %v10, label %b6, label %b5

b5:                                               ; preds = %b4
  %v11 = icmp samesign ult i16 %v1, 256
  %v12 = lshr i32 %v2, 8
  %v13 = select i1 %v11, i32 %v2, i32 %v12
  %v14 = select i1 %v11, i32 32, i32 24
  %v15 = icmp samesign ult i32 %v13, 16
  %v16 = lshr i32 %v13, 4
  %v17 = add nsw i32 %v14, -4
  %v18 = select i1 %v15, i32 %v13, i32 %v16
  %v19 = select i1 %v15, i32 %v14, i32 %v17
  %v20 = icmp samesign ult i32 %v18, 4
  %v21 = lshr i32 %v18, 2
  %v22 = add nsw i32 %v19, -2
  %v23 = select i1 %v20, i32 %v18, i32 %v21
  %v24 = select i1 %v20, i32 %v19, i32 %v22
  %v25 = icmp samesign ult i32 %v23, 2
  %v26 = sub nsw i32 0, %v23
  %v27 = select i1 %v25, i32 %v26, i32 -2
  %v28 = add nsw i32 %v27, %v24
  %v29 = add nsw i32 %v28, -8
  %v30 = shl i32 %v2, %v29
  %v31 = xor i32 %v30, 8388608
  %v32 = shl i32 %v28, 23
  %v33 = sub i32 1124073472, %v32
  %v34 = or i32 %v31, %v33
  br label %b6

b6:                                               ; preds = %b5, %b4, %b3, %b1
  %v35 = phi i32 [ %v6, %b1 ], [ %v9, %b3 ], [ %v34, %b5 ], [ 0, %b4 ]
  %v36 = and i16 %a0, -32768
  %v37 = zext i16 %v36 to i32
  %v38 = shl nuw i32 %v37, 16
  %v39 = or i32 %v35, %v38
  %v40 = bitcast i32 %v39 to float
  ret float %v40
}

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare float @llvm.fabs.f32(float) #3

attributes #0 = { mustprogress nofree norecurse nosync nounwind willreturn memory(argmem: readwrite) "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }
attributes #1 = { mustprogress nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { nofree nosync nounwind memory(none) "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }
attributes #3 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }


!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "TVM", isOptimized: false, runtimeVersion: 0, emissionKind: FullDebug)
!1 = !DIFile(filename: "IRModule.CodeGenLLVM", directory: ".")
!2 = !{i32 2, !"tvm_target", !"{\22kind\22:\22llvm\22,\22mtriple\22:\22aarch64-unknown-linux-gnu\22,\22mattr\22:[\22+fp-armv8\22,\22+neon\22]}"}
!3 = !{i32 4, !"Debug Info Version", i32 3}
!4 = !{i32 4, !"Dwarf Version", i32 4}
!5 = distinct !DISubprogram(name: "kernel", scope: !1, file: !1, type: !6, flags: DIFlagPrototyped, spFlags: DISPFlagLocalToUnit | DISPFlagDefinition | DISPFlagOptimized, unit: !0, retainedNodes: !13)
!6 = !DISubroutineType(types: !7)
!7 = !{null, !8, !10, !10, !12, !12}
!8 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !9)
!9 = !DIBasicType(name: "int32", size: 32, encoding: DW_ATE_signed)
!10 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !11)
!11 = !DIBasicType(name: "uint8", size: 8, encoding: DW_ATE_unsigned)
!12 = !DIBasicType(name: "int64", size: 64, encoding: DW_ATE_signed)
!13 = !{!14, !15, !16, !17, !18}
!14 = !DILocalVariable(name: "a0", arg: 1, scope: !5, file: !1, type: !8)
!15 = !DILocalVariable(name: "a1", arg: 2, scope: !5, file: !1, type: !10)
!16 = !DILocalVariable(name: "a2", arg: 3, scope: !5, file: !1, type: !10)
!17 = !DILocalVariable(name: "first", arg: 4, scope: !5, file: !1, type: !12)
!18 = !DILocalVariable(name: "last", arg: 5, scope: !5, file: !1, type: !12)
!19 = !DILocation(line: 0, scope: !5)
!20 = !DILocalVariable(name: "a0", scope: !5, file: !1, type: !8)
!21 = !DILocalVariable(name: "a1", scope: !5, file: !1, type: !10)
!22 = !DILocalVariable(name: "a2", scope: !5, file: !1, type: !10)
!23 = !DILocalVariable(scope: !5, file: !1, type: !8)
!24 = !DILocalVariable(scope: !5, file: !1, type: !10)
!25 = !DILocalVariable(name: "ax4", scope: !5, file: !1, type: !9)
!26 = !{!27, !27, i64 0}
!27 = !{!"buffer0", !28, i64 0}
!28 = !{!"tvm-tbaa"}
!29 = !{!30, !30, i64 0}
!30 = !{!"buffer1", !28, i64 0}
!31 = !{!32, !32, i64 0}
!32 = !{!"buffer2.w32.b0", !33, i64 0}
!33 = !{!"buffer2.w64.b0", !34, i64 0}
!34 = !{!"buffer2.w128.b0", !35, i64 0}
!35 = !{!"buffer2.w256.b0", !36, i64 0}
!36 = !{!"buffer2.w512.b0", !37, i64 0}
!37 = !{!"buffer2.w1024.b0", !38, i64 0}
!38 = !{!"buffer2", !28, i64 0}
