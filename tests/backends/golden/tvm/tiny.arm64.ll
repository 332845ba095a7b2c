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
  call void @"tvm.4cc0011e3df03472019b"(ptr %".22", ptr %".24", i64 %".17", i64 %".20")
  %".26" = add nsw i64 %".12", 1
  br label %"loop"
done:
  ret void
}

declare void @"tvm.4cc0011e3df03472019b"(ptr %".1", ptr %".2", i64 %".3", i64 %".4")

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
  call void @"tvm.ad55be6cbd1cdc060232"(ptr %".24", ptr %".26", ptr %".12", i64 %".19", i64 %".22")
  %".28" = add nsw i64 %".14", 1
  br label %"loop"
done:
  ret void
}

declare void @"tvm.ad55be6cbd1cdc060232"(ptr %".1", ptr %".2", ptr %".3", i64 %".4", i64 %".5")

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

@__tvm_ffi__library_ctx = linkonce global ptr null, align 8
@__TVMFFIFunctionCall = linkonce global ptr null, align 8
@__TVMFFIEnvModLookupFromImports = linkonce global ptr null, align 8
@__TVMFFIHandleInitOnce = linkonce global ptr null, align 8
@__TVMFFIErrorSetRaisedFromCStr = linkonce global ptr null, align 8
@__TVMBackendParallelLaunch = linkonce global ptr null, align 8
@__TVMBackendParallelBarrier = linkonce global ptr null, align 8

define void @tvm.4cc0011e3df03472019b(ptr %a0, ptr %a1, i64 %first, i64 %last) #0 {
entry:
  %0 = alloca ptr, align 8
  store ptr %a0, ptr %0, align 8
  %1 = alloca ptr, align 8
  store ptr %a1, ptr %1, align 8
  %2 = alloca i64, align 8
  store i64 %first, ptr %2, align 8
  %3 = alloca i64, align 8
  store i64 %last, ptr %3, align 8
  %4 = alloca i8, i64 8, align 16
  %5 = trunc i64 %first to i32
  %6 = sub i64 %last, %first
  %7 = trunc i64 %6 to i32
  %8 = trunc i64 %first to i32
  %9 = add nsw i32 %8, %7
  br label %for_begin_v

for_begin_v:                                      ; preds = %for_next_v, %entry
  %v = phi i32 [ %5, %entry ], [ %11, %for_next_v ]
  %10 = icmp slt i32 %v, %9
  br i1 %10, label %for_body_v, label %for_end_v, !prof !23

for_body_v:                                       ; preds = %for_begin_v
  br label %for_begin_v1

for_end_v:                                        ; preds = %for_begin_v
  ret void

for_next_v:                                       ; preds = %for_end_v3
  %11 = add nsw i32 %v, 1
  br label %for_begin_v

for_begin_v1:                                     ; preds = %for_next_v4, %for_body_v
  %v5 = phi i32 [ 0, %for_body_v ], [ %107, %for_next_v4 ]
  %12 = icmp slt i32 %v5, 9
  br i1 %12, label %for_body_v2, label %for_end_v3, !prof !23

for_body_v2:                                      ; preds = %for_begin_v1
  %13 = mul nsw i32 %v5, 8
  %14 = insertelement <8 x i32> undef, i32 %13, i32 0
  %15 = mul nsw i32 %v5, 8
  %16 = add nsw i32 %15, 1
  %17 = insertelement <8 x i32> %14, i32 %16, i32 1
  %18 = mul nsw i32 %v5, 8
  %19 = add nsw i32 %18, 2
  %20 = insertelement <8 x i32> %17, i32 %19, i32 2
  %21 = mul nsw i32 %v5, 8
  %22 = add nsw i32 %21, 3
  %23 = insertelement <8 x i32> %20, i32 %22, i32 3
  %24 = mul nsw i32 %v5, 8
  %25 = add nsw i32 %24, 4
  %26 = insertelement <8 x i32> %23, i32 %25, i32 4
  %27 = mul nsw i32 %v5, 8
  %28 = add nsw i32 %27, 5
  %29 = insertelement <8 x i32> %26, i32 %28, i32 5
  %30 = mul nsw i32 %v5, 8
  %31 = add nsw i32 %30, 6
  %32 = insertelement <8 x i32> %29, i32 %31, i32 6
  %33 = mul nsw i32 %v5, 8
  %34 = add nsw i32 %33, 7
  %35 = insertelement <8 x i32> %32, i32 %34, i32 7
  %36 = icmp slt <8 x i32> %35, splat (i32 70)
  %37 = zext <8 x i1> %36 to <8 x i8>
  %38 = mul nsw i32 %v5, 8
  %39 = insertelement <8 x i32> undef, i32 %38, i32 0
  %40 = mul nsw i32 %v5, 8
  %41 = add nsw i32 %40, 1
  %42 = insertelement <8 x i32> %39, i32 %41, i32 1
  %43 = mul nsw i32 %v5, 8
  %44 = add nsw i32 %43, 2
  %45 = insertelement <8 x i32> %42, i32 %44, i32 2
  %46 = mul nsw i32 %v5, 8
  %47 = add nsw i32 %46, 3
  %48 = insertelement <8 x i32> %45, i32 %47, i32 3
  %49 = mul nsw i32 %v5, 8
  %50 = add nsw i32 %49, 4
  %51 = insertelement <8 x i32> %48, i32 %50, i32 4
  %52 = mul nsw i32 %v5, 8
  %53 = add nsw i32 %52, 5
  %54 = insertelement <8 x i32> %51, i32 %53, i32 5
  %55 = mul nsw i32 %v5, 8
  %56 = add nsw i32 %55, 6
  %57 = insertelement <8 x i32> %54, i32 %56, i32 6
  %58 = mul nsw i32 %v5, 8
  %59 = add nsw i32 %58, 7
  %60 = insertelement <8 x i32> %57, i32 %59, i32 7
  %61 = icmp slt <8 x i32> %60, splat (i32 69)
  %62 = select <8 x i1> %61, <8 x i32> %60, <8 x i32> splat (i32 69)
  %63 = extractelement <8 x i32> %62, i64 0
  %64 = getelementptr inbounds float, ptr %a0, i32 %63
  %65 = load float, ptr %64, align 4
  %66 = extractelement <8 x i32> %62, i64 1
  %67 = getelementptr inbounds float, ptr %a0, i32 %66
  %68 = load float, ptr %67, align 4
  %69 = extractelement <8 x i32> %62, i64 2
  %70 = getelementptr inbounds float, ptr %a0, i32 %69
  %71 = load float, ptr %70, align 4
  %72 = extractelement <8 x i32> %62, i64 3
  %73 = getelementptr inbounds float, ptr %a0, i32 %72
  %74 = load float, ptr %73, align 4
  %75 = extractelement <8 x i32> %62, i64 4
  %76 = getelementptr inbounds float, ptr %a0, i32 %75
  %77 = load float, ptr %76, align 4
  %78 = extractelement <8 x i32> %62, i64 5
  %79 = getelementptr inbounds float, ptr %a0, i32 %78
  %80 = load float, ptr %79, align 4
  %81 = extractelement <8 x i32> %62, i64 6
  %82 = getelementptr inbounds float, ptr %a0, i32 %81
  %83 = load float, ptr %82, align 4
  %84 = extractelement <8 x i32> %62, i64 7
  %85 = getelementptr inbounds float, ptr %a0, i32 %84
  %86 = load float, ptr %85, align 4
  %87 = insertelement <8 x float> undef, float %65, i32 0
  %88 = insertelement <8 x float> %87, float %68, i32 1
  %89 = insertelement <8 x float> %88, float %71, i32 2
  %90 = insertelement <8 x float> %89, float %74, i32 3
  %91 = insertelement <8 x float> %90, float %77, i32 4
  %92 = insertelement <8 x float> %91, float %80, i32 5
  %93 = insertelement <8 x float> %92, float %83, i32 6
  %94 = insertelement <8 x float> %93, float %86, i32 7
  %95 = call i32 @llvm.bitreverse.i32(i32 0)
  %96 = call i32 @llvm.bitreverse.i32(i32 %95)
  %97 = bitcast i32 %96 to float
  %98 = insertelement <8 x float> undef, float %97, i32 0
  %99 = shufflevector <8 x float> %98, <8 x float> undef, <8 x i32> zeroinitializer
  %100 = fcmp ole <8 x float> %99, %94
  %101 = zext <8 x i1> %100 to <8 x i8>
  %102 = mul <8 x i8> %101, %37
  %103 = getelementptr inbounds i8, ptr %4, i32 0
  store <8 x i8> %102, ptr %103, align 16
  %104 = getelementptr inbounds i8, ptr %4, i32 0
  %bytes.i = load <8 x i8>, ptr %104, align 1
  %truths.i = icmp ne <8 x i8> %bytes.i, zeroinitializer
  %word.i = bitcast <8 x i1> %truths.i to i8
  %105 = getelementptr inbounds i8, ptr %a1, i32 %v5
  store i8 %word.i, ptr %105, align 1
  %106 = icmp eq i32 %v5, 8
  br i1 %106, label %if_then, label %if_end, !prof !23

for_end_v3:                                       ; preds = %for_begin_v1
  br label %for_next_v

for_next_v4:                                      ; preds = %if_end
  %107 = add nsw i32 %v5, 1
  br label %for_begin_v1

if_then:                                          ; preds = %for_body_v2
  %108 = getelementptr inbounds i8, ptr %a1, i32 9
  store i8 0, ptr %108, align 1
  %109 = getelementptr inbounds i8, ptr %a1, i32 10
  store i8 0, ptr %109, align 1
  %110 = getelementptr inbounds i8, ptr %a1, i32 11
  store i8 0, ptr %110, align 1
  %111 = getelementptr inbounds i8, ptr %a1, i32 12
  store i8 0, ptr %111, align 1
  %112 = getelementptr inbounds i8, ptr %a1, i32 13
  store i8 0, ptr %112, align 1
  %113 = getelementptr inbounds i8, ptr %a1, i32 14
  store i8 0, ptr %113, align 1
  %114 = getelementptr inbounds i8, ptr %a1, i32 15
  store i8 0, ptr %114, align 1
  br label %if_end

if_end:                                           ; preds = %if_then, %for_body_v2
  br label %for_next_v4
}

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare i32 @llvm.bitreverse.i32(i32) #1

define internal void @__tvm_module_startup() #0 {
entry:
  ret void
}

; Function Attrs: nounwind memory(none)
define internal dso_local i16 @__truncsfhf2(float %a0) local_unnamed_addr #2 section ".text.tvm.fp16.conv" {
b0:
  %v0 = bitcast float %a0 to i32
  %v1 = and i32 %v0, 2147483647
  %v2 = add nsw i32 %v1, -947912704
  %v3 = add nsw i32 %v1, -1199570944
  %v4 = icmp ult i32 %v2, %v3
  br i1 %v4, label %b1, label %b5

b1:                                               ; preds = %b0
  %v5 = lshr i32 %v0, 13
  %v6 = and i32 %v5, 65535
  %v7 = add nuw nsw i32 %v6, -114688
  %v8 = and i32 %v0, 8191
  %v9 = icmp ugt i32 %v8, 4096
  br i1 %v9, label %b2, label %b3

b2:                                               ; preds = %b1
  %v10 = add nuw nsw i32 %v6, -114687
  br label %b13

b3:                                               ; preds = %b1
  %v11 = icmp eq i32 %v8, 4096
  br i1 %v11, label %b4, label %b13

b4:                                               ; preds = %b3
  %v12 = and i32 %v7, 65535
  %v13 = and i32 %v5, 1
  %v14 = add nuw nsw i32 %v12, %v13
  br label %b13

b5:                                               ; preds = %b0
  %v15 = icmp ugt i32 %v1, 2139095040
  br i1 %v15, label %b6, label %b7

b6:                                               ; preds = %b5
  %v16 = lshr i32 %v0, 13
  %v17 = and i32 %v16, 511
  %v18 = or i32 %v17, 32256
  br label %b13

b7:                                               ; preds = %b5
  %v19 = icmp ugt i32 %v1, 1199570943
  br i1 %v19, label %b13, label %b8

b8:                                               ; preds = %b7
  %v20 = icmp ult i32 %v1, 754974720
  br i1 %v20, label %b13, label %b9

b9:                                               ; preds = %b8
  %v21 = lshr i32 %v1, 23
  %v22 = sub nsw i32 113, %v21
  %v23 = and i32 %v0, 8388607
  %v24 = or i32 %v23, 8388608
  %v25 = add nsw i32 %v21, -81
  %v26 = shl i32 %v24, %v25
  %v27 = icmp ne i32 %v26, 0
  %v28 = lshr i32 %v24, %v22
  %v29 = zext i1 %v27 to i32
  %v30 = lshr i32 %v28, 13
  %v31 = and i32 %v28, 8191
  %v32 = or i32 %v31, %v29
  %v33 = icmp ugt i32 %v32, 4096
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
  %vres = add i16 %vlast, 0
  ret i16 %vres
}

; Function Attrs: nounwind memory(none)
define internal dso_local float @__extendhfsf2(i16 %a0) local_unnamed_addr #2 section ".text.tvm.fp16.conv" {
b0:
  %vinp = add i16 %a0, 0
  %v1 = and i16 %vinp, 32767
  %v2 = zext i16 %v1 to i32
  %v3 = add nsw i16 %v1, -1024
  %v4 = icmp ult i16 %v3, 30720
  br i1 %v4, label %b1, label %b2

b1:                                               ; preds = %b0
  %v5 = shl nuw nsw i32 %v2, 13
  %v6 = add nuw nsw i32 %v5, 939524096
  br label %b6

b2:                                               ; preds = %b0
  %v7 = icmp ugt i16 %v1, 31743
  br i1 %v7, label %b3, label %b4

b3:                                               ; preds = %b2
  %v8 = shl nuw nsw i32 %v2, 13
  %v9 = or i32 %v8, 2139095040
  br label %b6

b4:                                               ; preds = %b2
  %v10 = icmp eq i16 %v1, 0
  br i1 %v10, label %b6, label %b5

b5:                                               ; preds = %b4
  %v11 = icmp ult i16 %v1, 256
  %v12 = lshr i32 %v2, 8
  %v13 = select i1 %v11, i32 %v2, i32 %v12
  %v14 = select i1 %v11, i32 32, i32 24
  %v15 = icmp ult i32 %v13, 16
  %v16 = lshr i32 %v13, 4
  %v17 = add nsw i32 %v14, -4
  %v18 = select i1 %v15, i32 %v13, i32 %v16
  %v19 = select i1 %v15, i32 %v14, i32 %v17
  %v20 = icmp ult i32 %v18, 4
  %v21 = lshr i32 %v18, 2
  %v22 = add nsw i32 %v19, -2
  %v23 = select i1 %v20, i32 %v18, i32 %v21
  %v24 = select i1 %v20, i32 %v19, i32 %v22
  %v25 = icmp ult i32 %v23, 2
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
  %v36 = and i16 %vinp, -32768
  %v37 = zext i16 %v36 to i32
  %v38 = shl nuw i32 %v37, 16
  %v39 = or i32 %v35, %v38
  %v40 = bitcast i32 %v39 to float
  ret float %v40
}

attributes #0 = { "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }
attributes #1 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { nounwind memory(none) "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }


!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "TVM", isOptimized: false, runtimeVersion: 0, emissionKind: FullDebug)
!1 = !DIFile(filename: "IRModule.CodeGenLLVM", directory: ".")
!2 = !{i32 2, !"tvm_target", !"{\22kind\22:\22llvm\22,\22mtriple\22:\22aarch64-unknown-linux-gnu\22,\22mattr\22:[\22+fp-armv8\22,\22+neon\22],\22opt-level\22:0}"}
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
!23 = !{!"branch_weights", i32 1048576, i32 1}
!24 = !DILocalVariable(scope: !5, file: !1, type: !25)
!25 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !26)
!26 = !DIBasicType(name: "int8", size: 8, encoding: DW_ATE_signed)
!27 = !{!28, !28, i64 0}
!28 = !{!"buffer", !29, i64 0}
!29 = !{!"tvm-tbaa"}
!30 = !{!31, !31, i64 0}
!31 = !{!"buffer.w8.b0", !32, i64 0}
!32 = !{!"buffer.w16.b0", !33, i64 0}
!33 = !{!"buffer.w32.b0", !34, i64 0}
!34 = !{!"buffer.w64.b0", !35, i64 0}
!35 = !{!"buffer.w128.b0", !36, i64 0}
!36 = !{!"buffer.w256.b0", !37, i64 0}
!37 = !{!"buffer.w512.b0", !38, i64 0}
!38 = !{!"buffer.w1024.b0", !39, i64 0}
!39 = !{!"buffer", !29, i64 0}
!40 = !{!41, !41, i64 0}
!41 = !{!"buffer", !29, i64 0}
!42 = !{!43, !43, i64 0}
!43 = !{!"buffer.w1.b9", !44, i64 0}
!44 = !{!"buffer.w2.b8", !45, i64 0}
!45 = !{!"buffer.w4.b8", !46, i64 0}
!46 = !{!"buffer.w8.b8", !47, i64 0}
!47 = !{!"buffer.w16.b0", !48, i64 0}
!48 = !{!"buffer.w32.b0", !49, i64 0}
!49 = !{!"buffer.w64.b0", !50, i64 0}
!50 = !{!"buffer.w128.b0", !51, i64 0}
!51 = !{!"buffer.w256.b0", !52, i64 0}
!52 = !{!"buffer.w512.b0", !53, i64 0}
!53 = !{!"buffer.w1024.b0", !41, i64 0}
!54 = !{!55, !55, i64 0}
!55 = !{!"buffer.w1.b10", !56, i64 0}
!56 = !{!"buffer.w2.b10", !45, i64 0}
!57 = !{!58, !58, i64 0}
!58 = !{!"buffer.w1.b11", !56, i64 0}
!59 = !{!60, !60, i64 0}
!60 = !{!"buffer.w1.b12", !61, i64 0}
!61 = !{!"buffer.w2.b12", !62, i64 0}
!62 = !{!"buffer.w4.b12", !46, i64 0}
!63 = !{!64, !64, i64 0}
!64 = !{!"buffer.w1.b13", !61, i64 0}
!65 = !{!66, !66, i64 0}
!66 = !{!"buffer.w1.b14", !67, i64 0}
!67 = !{!"buffer.w2.b14", !62, i64 0}
!68 = !{!69, !69, i64 0}
!69 = !{!"buffer.w1.b15", !67, i64 0}
; ModuleID = 'TVMMod'
source_filename = "TVMMod"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i8:8:32-i16:16:32-i64:64-i128:128-n32:64-S128-Fn32"
target triple = "aarch64-unknown-linux-gnu"

@__tvm_ffi__library_ctx = linkonce global ptr null, align 8
@__TVMFFIFunctionCall = linkonce global ptr null, align 8
@__TVMFFIEnvModLookupFromImports = linkonce global ptr null, align 8
@__TVMFFIHandleInitOnce = linkonce global ptr null, align 8
@__TVMFFIErrorSetRaisedFromCStr = linkonce global ptr null, align 8
@__TVMBackendParallelLaunch = linkonce global ptr null, align 8
@__TVMBackendParallelBarrier = linkonce global ptr null, align 8

define void @tvm.ad55be6cbd1cdc060232(ptr %a0, ptr %a1, ptr %a2, i64 %first, i64 %last) #0 {
entry:
  %0 = alloca ptr, align 8
  store ptr %a0, ptr %0, align 8
  %1 = alloca ptr, align 8
  store ptr %a1, ptr %1, align 8
  %2 = alloca ptr, align 8
  store ptr %a2, ptr %2, align 8
  %3 = alloca i64, align 8
  store i64 %first, ptr %3, align 8
  %4 = alloca i64, align 8
  store i64 %last, ptr %4, align 8
  %5 = alloca i8, i64 8, align 16
  %6 = alloca i16, i64 8, align 16
  %7 = getelementptr inbounds i16, ptr %6, i32 0
  store <8 x i16> zeroinitializer, ptr %7, align 16
  %8 = getelementptr inbounds i8, ptr %5, i32 0
  store <8 x i8> zeroinitializer, ptr %8, align 16
  br label %for_begin_ax4

for_begin_ax4:                                    ; preds = %for_next_ax4, %entry
  %ax4 = phi i32 [ 0, %entry ], [ %36, %for_next_ax4 ]
  %9 = icmp slt i32 %ax4, 9
  br i1 %9, label %for_body_ax4, label %for_end_ax4, !prof !48

for_body_ax4:                                     ; preds = %for_begin_ax4
  %10 = mul nsw i32 %ax4, 8
  %11 = getelementptr inbounds i8, ptr %a2, i32 %10
  %12 = load <8 x i8>, ptr %11, align 1
  %13 = getelementptr inbounds i8, ptr %a1, i32 %ax4
  %14 = load i8, ptr %13, align 1
  %15 = insertelement <8 x i8> undef, i8 %14, i32 0
  %16 = shufflevector <8 x i8> %15, <8 x i8> undef, <8 x i32> zeroinitializer
  %17 = xor <8 x i8> %16, %12
  %18 = call <8 x i8> @llvm.ctpop.v8i8(<8 x i8> %17)
  %19 = getelementptr inbounds i8, ptr %5, i32 0
  %20 = load <8 x i8>, ptr %19, align 16
  %21 = add <8 x i8> %20, %18
  %22 = getelementptr inbounds i8, ptr %5, i32 0
  store <8 x i8> %21, ptr %22, align 16
  br label %for_next_ax4

for_end_ax4:                                      ; preds = %for_begin_ax4
  %23 = getelementptr inbounds i8, ptr %5, i32 0
  %24 = load <8 x i8>, ptr %23, align 16
  %25 = zext <8 x i8> %24 to <8 x i16>
  %26 = getelementptr inbounds i16, ptr %6, i32 0
  %27 = load <8 x i16>, ptr %26, align 16
  %28 = add <8 x i16> %27, %25
  %29 = getelementptr inbounds i16, ptr %6, i32 0
  store <8 x i16> %28, ptr %29, align 16
  %30 = getelementptr inbounds i16, ptr %6, i32 0
  %31 = load <8 x i16>, ptr %30, align 16
  %32 = zext <8 x i16> %31 to <8 x i32>
  %33 = mul nsw <8 x i32> %32, splat (i32 2)
  %34 = sub nsw <8 x i32> splat (i32 70), %33
  %35 = getelementptr inbounds i32, ptr %a0, i32 0
  store <8 x i32> %34, ptr %35, align 4
  ret void

for_next_ax4:                                     ; preds = %for_body_ax4
  %36 = add nsw i32 %ax4, 1
  br label %for_begin_ax4
}

; Function Attrs: nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none)
declare <8 x i8> @llvm.ctpop.v8i8(<8 x i8>) #1

define internal void @__tvm_module_startup() #0 {
entry:
  ret void
}

; Function Attrs: nounwind memory(none)
define internal dso_local i16 @__truncsfhf2(float %a0) local_unnamed_addr #2 section ".text.tvm.fp16.conv" {
b0:
  %v0 = bitcast float %a0 to i32
  %v1 = and i32 %v0, 2147483647
  %v2 = add nsw i32 %v1, -947912704
  %v3 = add nsw i32 %v1, -1199570944
  %v4 = icmp ult i32 %v2, %v3
  br i1 %v4, label %b1, label %b5

b1:                                               ; preds = %b0
  %v5 = lshr i32 %v0, 13
  %v6 = and i32 %v5, 65535
  %v7 = add nuw nsw i32 %v6, -114688
  %v8 = and i32 %v0, 8191
  %v9 = icmp ugt i32 %v8, 4096
  br i1 %v9, label %b2, label %b3

b2:                                               ; preds = %b1
  %v10 = add nuw nsw i32 %v6, -114687
  br label %b13

b3:                                               ; preds = %b1
  %v11 = icmp eq i32 %v8, 4096
  br i1 %v11, label %b4, label %b13

b4:                                               ; preds = %b3
  %v12 = and i32 %v7, 65535
  %v13 = and i32 %v5, 1
  %v14 = add nuw nsw i32 %v12, %v13
  br label %b13

b5:                                               ; preds = %b0
  %v15 = icmp ugt i32 %v1, 2139095040
  br i1 %v15, label %b6, label %b7

b6:                                               ; preds = %b5
  %v16 = lshr i32 %v0, 13
  %v17 = and i32 %v16, 511
  %v18 = or i32 %v17, 32256
  br label %b13

b7:                                               ; preds = %b5
  %v19 = icmp ugt i32 %v1, 1199570943
  br i1 %v19, label %b13, label %b8

b8:                                               ; preds = %b7
  %v20 = icmp ult i32 %v1, 754974720
  br i1 %v20, label %b13, label %b9

b9:                                               ; preds = %b8
  %v21 = lshr i32 %v1, 23
  %v22 = sub nsw i32 113, %v21
  %v23 = and i32 %v0, 8388607
  %v24 = or i32 %v23, 8388608
  %v25 = add nsw i32 %v21, -81
  %v26 = shl i32 %v24, %v25
  %v27 = icmp ne i32 %v26, 0
  %v28 = lshr i32 %v24, %v22
  %v29 = zext i1 %v27 to i32
  %v30 = lshr i32 %v28, 13
  %v31 = and i32 %v28, 8191
  %v32 = or i32 %v31, %v29
  %v33 = icmp ugt i32 %v32, 4096
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
  %vres = add i16 %vlast, 0
  ret i16 %vres
}

; Function Attrs: nounwind memory(none)
define internal dso_local float @__extendhfsf2(i16 %a0) local_unnamed_addr #2 section ".text.tvm.fp16.conv" {
b0:
  %vinp = add i16 %a0, 0
  %v1 = and i16 %vinp, 32767
  %v2 = zext i16 %v1 to i32
  %v3 = add nsw i16 %v1, -1024
  %v4 = icmp ult i16 %v3, 30720
  br i1 %v4, label %b1, label %b2

b1:                                               ; preds = %b0
  %v5 = shl nuw nsw i32 %v2, 13
  %v6 = add nuw nsw i32 %v5, 939524096
  br label %b6

b2:                                               ; preds = %b0
  %v7 = icmp ugt i16 %v1, 31743
  br i1 %v7, label %b3, label %b4

b3:                                               ; preds = %b2
  %v8 = shl nuw nsw i32 %v2, 13
  %v9 = or i32 %v8, 2139095040
  br label %b6

b4:                                               ; preds = %b2
  %v10 = icmp eq i16 %v1, 0
  br i1 %v10, label %b6, label %b5

b5:                                               ; preds = %b4
  %v11 = icmp ult i16 %v1, 256
  %v12 = lshr i32 %v2, 8
  %v13 = select i1 %v11, i32 %v2, i32 %v12
  %v14 = select i1 %v11, i32 32, i32 24
  %v15 = icmp ult i32 %v13, 16
  %v16 = lshr i32 %v13, 4
  %v17 = add nsw i32 %v14, -4
  %v18 = select i1 %v15, i32 %v13, i32 %v16
  %v19 = select i1 %v15, i32 %v14, i32 %v17
  %v20 = icmp ult i32 %v18, 4
  %v21 = lshr i32 %v18, 2
  %v22 = add nsw i32 %v19, -2
  %v23 = select i1 %v20, i32 %v18, i32 %v21
  %v24 = select i1 %v20, i32 %v19, i32 %v22
  %v25 = icmp ult i32 %v23, 2
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
  %v36 = and i16 %vinp, -32768
  %v37 = zext i16 %v36 to i32
  %v38 = shl nuw i32 %v37, 16
  %v39 = or i32 %v35, %v38
  %v40 = bitcast i32 %v39 to float
  ret float %v40
}

attributes #0 = { "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }
attributes #1 = { nocallback nocreateundeforpoison nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { nounwind memory(none) "target-cpu"="generic" "target-features"="+fp-armv8,+neon" }


!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "TVM", isOptimized: false, runtimeVersion: 0, emissionKind: FullDebug)
!1 = !DIFile(filename: "IRModule.CodeGenLLVM", directory: ".")
!2 = !{i32 2, !"tvm_target", !"{\22kind\22:\22llvm\22,\22mtriple\22:\22aarch64-unknown-linux-gnu\22,\22mattr\22:[\22+fp-armv8\22,\22+neon\22],\22opt-level\22:0}"}
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
!23 = !DILocalVariable(scope: !5, file: !1, type: !24)
!24 = !DIDerivedType(tag: DW_TAG_pointer_type, baseType: !25)
!25 = !DIBasicType(name: "uint16", size: 16, encoding: DW_ATE_unsigned)
!26 = !{!27, !27, i64 0}
!27 = !{!"buffer.w16.b0", !28, i64 0}
!28 = !{!"buffer.w32.b0", !29, i64 0}
!29 = !{!"buffer.w64.b0", !30, i64 0}
!30 = !{!"buffer.w128.b0", !31, i64 0}
!31 = !{!"buffer.w256.b0", !32, i64 0}
!32 = !{!"buffer.w512.b0", !33, i64 0}
!33 = !{!"buffer.w1024.b0", !34, i64 0}
!34 = !{!"buffer", !35, i64 0}
!35 = !{!"tvm-tbaa"}
!36 = !DILocalVariable(scope: !5, file: !1, type: !10)
!37 = !{!38, !38, i64 0}
!38 = !{!"buffer.w8.b0", !39, i64 0}
!39 = !{!"buffer.w16.b0", !40, i64 0}
!40 = !{!"buffer.w32.b0", !41, i64 0}
!41 = !{!"buffer.w64.b0", !42, i64 0}
!42 = !{!"buffer.w128.b0", !43, i64 0}
!43 = !{!"buffer.w256.b0", !44, i64 0}
!44 = !{!"buffer.w512.b0", !45, i64 0}
!45 = !{!"buffer.w1024.b0", !46, i64 0}
!46 = !{!"buffer", !35, i64 0}
!47 = !DILocalVariable(name: "ax4", scope: !5, file: !1, type: !9)
!48 = !{!"branch_weights", i32 1048576, i32 1}
!49 = !{!50, !50, i64 0}
!50 = !{!"buffer", !35, i64 0}
!51 = !{!52, !52, i64 0}
!52 = !{!"buffer", !35, i64 0}
!53 = !{!54, !54, i64 0}
!54 = !{!"buffer.w32.b0", !55, i64 0}
!55 = !{!"buffer.w64.b0", !56, i64 0}
!56 = !{!"buffer.w128.b0", !57, i64 0}
!57 = !{!"buffer.w256.b0", !58, i64 0}
!58 = !{!"buffer.w512.b0", !59, i64 0}
!59 = !{!"buffer.w1024.b0", !60, i64 0}
!60 = !{!"buffer", !35, i64 0}
